// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IQuorum, Turn} from "../interfaces/IQuorum.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {AttestedInTime} from "./AttestedInTime.sol";
import {LmsAttestations} from "./LmsAttestations.sol";

/// @title A committee's attestations as LMS signatures, each under the seat's current key of `Staking`.
contract LmsQuorum is LmsAttestations {
    constructor(IStaking staking_) AttestedInTime(staking_) {}

    /// @inheritdoc IQuorum
    function verify(
        bytes32 digest,
        Turn calldata,
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
        Turn calldata,
        bytes calldata signature
    ) external view returns (bool) {
        return _isSigned(validator, seat, keyIndex, digest, signature);
    }

    /// @inheritdoc IQuorum
    /// @dev A signature takes no time.
    function requireTime(uint32, uint32) external pure {}

    function _retiredAt(uint32 validator, uint32 keyIndex, bytes calldata) internal view override returns (uint40) {
        return staking.keyRetiredAt(validator, keyIndex);
    }
}
