// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint, CheckpointRecord, IBeacon} from "../interfaces/IBeacon.sol";
import {Fault, IDisputes, Opening} from "../interfaces/IDisputes.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Chunks} from "../libraries/Chunks.sol";
import {Lanes} from "../libraries/Lanes.sol";

/// @title What every kind of dispute needs: what was accepted, under which parameters, and the verdict.
abstract contract Judge is IDisputes {
    /// @inheritdoc IDisputes
    IBeacon public immutable beacon;
    /// @inheritdoc IDisputes
    IStaking public immutable staking;
    /// @inheritdoc IDisputes
    bool public immutable isPrivate;
    uint32 internal immutable _quantumLength;
    uint32 internal immutable _classicalLength;

    constructor(IBeacon beacon_, IStaking staking_, bool isPrivate_) {
        (beacon, staking, isPrivate) = (beacon_, staking_, isPrivate_);
        (_quantumLength, _classicalLength) = (beacon_.quantumLength(), beacon_.classicalLength());
        if (_coordinates() == 0) revert NoSuchCoordinate(0, 0);
    }

    /// @dev Voids the checkpoint and slashes every seat that attested it. Reverts in a final round.
    function _convictCommittee(Fault fault, Checkpoint calldata checkpoint, uint64 attested) internal {
        (uint64 round, uint16 shard) = (checkpoint.round, checkpoint.shard);
        uint32[] memory committee = beacon.committee(round, shard);
        uint256 found = 0;
        for (uint256 seat = 0; seat < committee.length; ++seat) {
            if ((attested >> seat) & 1 == 1) committee[found++] = committee[seat];
        }
        assembly ("memory-safe") {
            mstore(committee, found)
        }
        beacon.voidCheckpoint(round, shard);
        _punish(fault, round, shard, committee);
    }

    /// @dev Assumes that whatever keeps a fault from being punished again is written already: the challenger is paid here.
    function _punish(Fault fault, uint64 round, uint16 shard, uint32[] memory guilty) internal {
        uint256 takenWei = staking.slash(guilty, msg.sender);
        emit FaultProven(fault, round, shard, msg.sender, guilty, takenWei);
    }

    /// @dev The seats that attested `checkpoint`, which is the accepted one and stands.
    function _attestersOf(Checkpoint calldata checkpoint) internal view returns (uint64 attested) {
        CheckpointRecord memory record = beacon.checkpointAt(checkpoint.round, checkpoint.shard);
        if (record.digest == 0 || record.voided) revert NoCheckpoint(checkpoint.round, checkpoint.shard);
        if (record.digest != beacon.checkpointDigest(checkpoint)) {
            revert NotAccepted(checkpoint.round, checkpoint.shard);
        }
        return record.attested;
    }

    function _coordinates() internal view returns (uint256) {
        return uint256(_quantumLength) + _classicalLength;
    }

    /// @dev Whether `opening` is chunk `index` of an unsalted vector with lanes of `bits` under `root`.
    function _isOpen(Opening calldata opening, bytes32 root, uint256 bits, uint256 index) internal view returns (bool) {
        uint256 count = Lanes.chunksFor(_coordinates(), bits);
        return opening.salt == 0 && Chunks.verify(root, count, index, opening.data, opening.path);
    }

    function _requireCount(string memory what, uint256 given, uint256 expected) internal pure {
        if (given != expected) revert WrongCount(what, given, expected);
    }
}
