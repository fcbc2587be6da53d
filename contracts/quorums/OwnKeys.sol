// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BadSignature, NotValidator} from "../interfaces/Errors.sol";
import {LmsKey, Participant, Role} from "../interfaces/IStaking.sol";
import {Lms} from "../libraries/Lms.sol";
import {AttestedInTime} from "./AttestedInTime.sol";

/// @title Keys that validators attest with beside the ones they bonded: an LMS signature names each.
/// @dev Any leaf does: a registration counts how many there were before it, so it is good once.
abstract contract OwnKeys is AttestedInTime {
    /// @dev Reverts unless the current key of a validator signed `digest`.
    function _requireSigned(uint32 validator, bytes32 digest, bytes calldata signature) internal view {
        Participant memory member = staking.participant(validator);
        if (member.role != Role.Validator) revert NotValidator(validator);
        LmsKey memory key = LmsKey({identifier: member.identifier, root: member.root, height: member.height});
        if (!Lms.verify(key, digest, signature)) revert BadSignature(validator);
    }
}
