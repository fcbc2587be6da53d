// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LmsKey} from "../interfaces/IStaking.sol";
import {Digest} from "../libraries/Digest.sol";
import {Lms} from "../libraries/Lms.sol";
import {AttestedInTime} from "./AttestedInTime.sol";
import {LmsBundles} from "./LmsBundles.sol";

/// @title Attestations by the LMS keys that validators bonded with.
abstract contract LmsAttestations is AttestedInTime, LmsBundles {
    /// @dev Whether `signature` is LMS over `Digest.ofSeat(digest, validator, seat)`, under a key that `Staking` knows.
    function _isSigned(
        uint32 validator,
        uint8 seat,
        uint32 keyIndex,
        bytes32 digest,
        bytes calldata signature
    ) internal view returns (bool) {
        return Lms.verify(staking.keyAt(validator, keyIndex), Digest.ofSeat(digest, validator, seat), signature);
    }

    /// @dev The current key, whatever the committee.
    function _keyOf(
        uint64,
        uint256,
        uint32 validator
    ) internal view override returns (bool isKnown, LmsKey memory key) {
        key = staking.validatorKey(validator);
        isKnown = key.height != 0;
    }
}
