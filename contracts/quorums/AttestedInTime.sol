// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BadAttestation, KeyRetired} from "../interfaces/Errors.sol";
import {IQuorum} from "../interfaces/IQuorum.sol";

/// @title Which of a validator's keys attest in a round, whatever the signatures are.
abstract contract AttestedInTime is IQuorum {
    /// @inheritdoc IQuorum
    function requireAttested(
        uint32 validator,
        uint8 seat,
        uint32 keyIndex,
        bytes32 digest,
        bytes calldata signature,
        uint40 revealEndsAt
    ) external view {
        uint40 retiredAt = this.keyRetiredAt(validator, keyIndex);
        if (retiredAt != 0 && retiredAt < revealEndsAt) revert KeyRetired(validator, keyIndex, retiredAt);
        if (!this.isAttestation(validator, seat, keyIndex, digest, signature)) revert BadAttestation(seat, validator);
    }
}
