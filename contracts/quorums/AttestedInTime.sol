// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BadAttestation, KeyRetired} from "../interfaces/Errors.sol";
import {IQuorum, Turn} from "../interfaces/IQuorum.sol";
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
        Turn calldata turn,
        bytes calldata signature
    ) external view {
        uint40 retiredAt = _retiredAt(validator, keyIndex, signature);
        if (retiredAt != 0) {
            bool isLiable = block.timestamp < retiredAt + staking.unbondingSeconds();
            if (retiredAt < turn.beganAt || !isLiable) revert KeyRetired(validator, keyIndex, retiredAt);
        }
        bool isAttested = this.isAttestation(validator, seat, keyIndex, digest, turn, signature);
        if (!isAttested) revert BadAttestation(seat, validator);
    }

    /// @dev When a key stopped attesting for the validator (unix seconds); 0 while it is current, and for one that never was.
    /// @param signature What it is said to have signed, where that tells which kind of key it is.
    function _retiredAt(
        uint32 validator,
        uint32 keyIndex,
        bytes calldata signature
    ) internal view virtual returns (uint40);
}
