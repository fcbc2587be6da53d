// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint, Round, RoundParameters, RoundState} from "../interfaces/IBeacon.sol";
import {Fault, IDisputes, Opening} from "../interfaces/IDisputes.sol";
import {Aggregate} from "../libraries/Aggregate.sol";
import {Chunks} from "../libraries/Chunks.sol";
import {Content} from "../libraries/Content.sol";
import {Lanes} from "../libraries/Lanes.sol";
import {Judge} from "./Judge.sol";

/// @title Disputes about a published model: is it the base and the weighted mean of the shards' aggregates?
abstract contract ModelDisputes is Judge {
    /// @dev What the model's rule takes besides lanes. `counts` are the checkpoints' numbers of updates, `total` their sum.
    struct Terms {
        uint256[] counts;
        uint256 total;
        bytes32 baseRoot;
        bytes32 modelRoot;
        bytes32 contentDigest;
        uint32 publisher;
        uint8 quantumExponent;
        uint8 classicalExponent;
    }

    /// @inheritdoc IDisputes
    function disputeModel(
        uint64 round,
        uint32 coordinate,
        Checkpoint[] calldata checkpoints,
        Opening[] calldata aggregates,
        Opening calldata base,
        Opening calldata model
    ) external {
        if (coordinate >= _coordinates()) revert NoSuchCoordinate(coordinate, _coordinates());
        Terms memory terms = _termsOf(round, checkpoints);
        _requireCount("aggregates", aggregates.length, checkpoints.length);
        (uint256 chunk, uint256 position) = (coordinate / 8, coordinate % 8);
        if (!_isOpen(base, terms.baseRoot, 32, chunk)) revert NotOpened("base", 0);
        if (!_isOpen(model, terms.modelRoot, 32, chunk)) revert NotOpened("model", 0);
        int256[] memory means = new int256[](aggregates.length);
        for (uint256 i = 0; i < means.length; ++i) {
            if (!_isOpen(aggregates[i], checkpoints[i].aggregateRoot, 32, chunk)) revert NotOpened("aggregates", i);
            means[i] = Lanes.laneAt(aggregates[i].data, 32, position);
        }

        int32 right = _next(coordinate, int32(Lanes.laneAt(base.data, 32, position)), means, terms);
        if (right == Lanes.laneAt(model.data, 32, position)) revert ModelIsRight(coordinate, right);
        _convictPublisher(round, terms.publisher);
    }

    /// @inheritdoc IDisputes
    function disputeWholeModel(
        uint64 round,
        Checkpoint[] calldata checkpoints,
        bytes32[] calldata base,
        bytes32[][] calldata aggregates
    ) external {
        Terms memory terms = _termsOf(round, checkpoints);
        uint256 chunks = Lanes.chunksFor(_coordinates(), 32);
        _requireCount("aggregates", aggregates.length, checkpoints.length);
        _requireCount("base", base.length, chunks);
        if (Chunks.unsaltedRootOf(base) != terms.baseRoot) revert NotOpened("base", 0);
        for (uint256 i = 0; i < aggregates.length; ++i) {
            _requireCount("aggregates", aggregates[i].length, chunks);
            if (Chunks.unsaltedRootOf(aggregates[i]) != checkpoints[i].aggregateRoot) revert NotOpened("aggregates", i);
        }

        bytes32[] memory model = _modelOf(base, aggregates, terms);
        bytes32 digest = Content.digestOfModel(round, _quantumLength, _classicalLength, terms.baseRoot, model);
        bytes32 root = Chunks.rootOf(model);
        if (root == terms.modelRoot && digest == terms.contentDigest) revert ContentIsRight(root, digest);
        _convictPublisher(round, terms.publisher);
    }

    function _convictPublisher(uint64 round, uint32 publisher) private {
        beacon.voidModel(round);
        uint32[] memory guilty = new uint32[](1);
        guilty[0] = publisher;
        _punish(Fault.Model, round, 0, guilty);
    }

    /// @dev Checks that the round's model can be disputed, and that `checkpoints` are all that it follows from.
    function _termsOf(uint64 round, Checkpoint[] calldata checkpoints) private view returns (Terms memory terms) {
        Round memory published = beacon.roundAt(round);
        if (published.state != RoundState.Published) revert NotPublished(round);
        _requireCount("checkpoints", checkpoints.length, published.checkpoints);
        terms.counts = new uint256[](checkpoints.length);
        for (uint256 i = 0; i < checkpoints.length; ++i) {
            Checkpoint calldata checkpoint = checkpoints[i];
            bool isInOrder = i == 0 || checkpoint.shard > checkpoints[i - 1].shard;
            if (checkpoint.round != round || !isInOrder) revert WrongCheckpoint(i);
            _attestersOf(checkpoint);
            terms.counts[i] = checkpoint.count;
            terms.total += checkpoint.count;
        }
        RoundParameters memory parameters = beacon.parametersOf(round);
        (terms.quantumExponent, terms.classicalExponent) = (parameters.quantumExponent, parameters.classicalExponent);
        terms.baseRoot = beacon.roundAt(published.baseRound).modelRoot;
        (terms.modelRoot, terms.contentDigest) = (published.modelRoot, published.contentDigest);
        terms.publisher = published.publisher;
    }

    /// @dev The whole model, as chunks, from vectors that all have their right number of chunks.
    function _modelOf(
        bytes32[] calldata base,
        bytes32[][] calldata aggregates,
        Terms memory terms
    ) private view returns (bytes32[] memory model) {
        model = new bytes32[](base.length);
        uint256 coordinates = _coordinates();
        bytes32[] memory chunks = new bytes32[](aggregates.length);
        int256[] memory means = new int256[](aggregates.length);
        for (uint256 i = 0; i < coordinates; ++i) {
            (uint256 chunk, uint256 position) = (i / 8, i % 8);
            if (position == 0) {
                for (uint256 k = 0; k < chunks.length; ++k) chunks[k] = aggregates[k][chunk];
            }
            Lanes.lanesAt(chunks, 32, position, means);
            int32 before = int32(Lanes.laneAt(base[chunk], 32, position));
            model[chunk] |= Lanes.place(_next(i, before, means, terms), position);
        }
    }

    /// @dev What the rule makes of coordinate `before`.
    function _next(
        uint256 coordinate,
        int32 before,
        int256[] memory means,
        Terms memory terms
    ) private view returns (int32) {
        int256 sum = 0;
        // Never near a limit: at most 2^16 shards of 2^16 updates, and means of 32 bits.
        unchecked {
            for (uint256 i = 0; i < means.length; ++i) {
                sum += means[i] * int256(terms.counts[i]);
            }
        }
        int256 mean = Aggregate.weightedMean(sum, terms.total);
        return
            coordinate < _quantumLength
                ? Aggregate.applyToAngle(before, mean, terms.quantumExponent)
                : Aggregate.applyToWeight(before, mean, terms.classicalExponent);
    }
}
