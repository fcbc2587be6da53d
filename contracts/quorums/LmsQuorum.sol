// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IQuorum} from "../interfaces/IQuorum.sol";
import {IStaking, LmsKey, Participant, Role} from "../interfaces/IStaking.sol";
import {Digest} from "../libraries/Digest.sol";
import {Lms} from "../libraries/Lms.sol";
import {AttestedInTime} from "./AttestedInTime.sol";
import {LmsBundles} from "./LmsBundles.sol";

/// @title A committee's attestations as LMS signatures, each under the seat's current key of `Staking`.
contract LmsQuorum is AttestedInTime, LmsBundles {
    constructor(IStaking staking_) AttestedInTime(staking_) {}

    /// @inheritdoc IQuorum
    function verify(
        bytes32 digest,
        uint32[] calldata committee,
        bytes calldata bundle
    ) external view returns (uint64 seatsMask) {
        return _signersOf(digest, 0, committee, bundle);
    }

    /// @inheritdoc IQuorum
    /// @param signature LMS over `Digest.ofSeat(digest, validator, seat)`.
    function isAttestation(
        uint32 validator,
        uint8 seat,
        uint32 keyIndex,
        bytes32 digest,
        bytes calldata signature
    ) external view returns (bool) {
        return Lms.verify(staking.keyAt(validator, keyIndex), Digest.ofSeat(digest, validator, seat), signature);
    }

    /// @inheritdoc IQuorum
    function keyRetiredAt(uint32 validator, uint32 keyIndex) external view returns (uint40) {
        return staking.keyRetiredAt(validator, keyIndex);
    }

    /// @dev The current key, whatever the committee.
    function _keyOf(
        uint64,
        uint256,
        uint32 validator
    ) internal view override returns (bool isKnown, LmsKey memory key) {
        Participant memory member = staking.participant(validator);
        isKnown = member.role == Role.Validator;
        key = LmsKey({identifier: member.identifier, root: member.root, height: member.height});
    }
}
