// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BadAttestation, KeyRetired} from "../interfaces/Errors.sol";
import {IQuorum} from "../interfaces/IQuorum.sol";
import {IStaking} from "../interfaces/IStaking.sol";

/// @title Which of a validator's keys attest in a round, whatever the signatures are.
abstract contract AttestedInTime is IQuorum {
    /// @inheritdoc IQuorum
    IStaking public immutable staking;

    constructor(IStaking staking_) {
        staking = staking_;
    }

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
        if (retiredAt != 0) {
            bool isLiable = block.timestamp < retiredAt + staking.unbondingSeconds();
            if (retiredAt < revealEndsAt || !isLiable) revert KeyRetired(validator, keyIndex, retiredAt);
        }
        if (!this.isAttestation(validator, seat, keyIndex, digest, signature)) revert BadAttestation(seat, validator);
    }
}
