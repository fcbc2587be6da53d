// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint, RoundParameters} from "../interfaces/IBeacon.sol";
import {Fault, IDisputes, RevealedUpdate} from "../interfaces/IDisputes.sol";
import {IShard} from "../interfaces/IShard.sol";
import {Chunks} from "../libraries/Chunks.sol";
import {Lanes} from "../libraries/Lanes.sol";
import {AggregateDisputes} from "./AggregateDisputes.sol";

/// @title Disputes about what a checkpoint includes: was it revealed, and is it within the norm bound?
abstract contract UpdateDisputes is AggregateDisputes {
    /// @inheritdoc IDisputes
    IShard[] public shards;

    constructor(IShard[] memory shards_) {
        for (uint256 i = 0; i < shards_.length; ++i) {
            uint16 index = shards_[i].shardIndex();
            if (index != i) revert WrongShard(index, i);
            if (isPrivate != (address(shards_[i].verifier()) != address(0))) revert WrongMode(index, isPrivate);
        }
        shards = shards_;
    }

    /// @inheritdoc IDisputes
    function disputeUpdates(Checkpoint calldata checkpoint, RevealedUpdate[] calldata updates) external {
        uint64 attested = _attestersOf(checkpoint);
        if (checkpoint.shard >= shards.length) revert ShardElsewhere(checkpoint.shard);
        IShard shard = shards[checkpoint.shard];

        bool isBeyond = checkpoint.included >> shard.revealsIn(checkpoint.round) != 0;
        if (!isBeyond) {
            _requireCount("updates", updates.length, checkpoint.count);
            _requireRevealed(shard, checkpoint, updates);
            if (_rootOf(updates) == checkpoint.updatesRoot) revert UpdatesAreRight(checkpoint.updatesRoot);
        }
        _convictCommittee(Fault.Updates, checkpoint, attested);
    }

    /// @inheritdoc IDisputes
    function disputeNorm(
        Checkpoint calldata checkpoint,
        uint16 position,
        RevealedUpdate calldata update,
        bytes32[] calldata path,
        bytes32[] calldata chunks,
        bytes32 seed
    ) external {
        uint64 attested = _attestersOf(checkpoint);
        if (!Chunks.verify(checkpoint.updatesRoot, checkpoint.count, position, _leafData(update), path)) {
            revert NotOpened("update", position);
        }
        RoundParameters memory parameters = beacon.parametersOf(checkpoint.round);
        _requireCount("chunks", chunks.length, Lanes.chunksFor(_coordinates(), parameters.laneBits));
        if (!_isUpdate(chunks, seed, update.updateRoot)) revert NotOpened("chunks", position);

        uint256 squaredNorm = Lanes.squaredNorm(chunks, parameters.laneBits);
        if (squaredNorm <= parameters.normBound) revert WithinNorm(squaredNorm, parameters.normBound);
        _convictCommittee(Fault.Norm, checkpoint, attested);
    }

    /// @dev Checks that `updates` were revealed under the numbers in `checkpoint.included`, lowest first.
    function _requireRevealed(
        IShard shard,
        Checkpoint calldata checkpoint,
        RevealedUpdate[] calldata updates
    ) private view {
        uint256 rest = checkpoint.included;
        uint16 index = 0;
        for (uint256 i = 0; i < updates.length; ++i) {
            while ((rest >> index) & 1 == 0) ++index;
            RevealedUpdate calldata update = updates[i];
            bytes32 revealed = shard.revealedAs(index, update.updateRoot, update.contentDigest);
            if (shard.updateOf(checkpoint.round, update.client) != revealed) revert NotRevealed(update.client, index);
            ++index;
        }
    }
}
