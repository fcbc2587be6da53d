// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RevealedUpdate} from "../interfaces/IDisputes.sol";
import {Aggregate} from "./Aggregate.sol";
import {Chunks} from "./Chunks.sol";
import {Lanes} from "./Lanes.sol";

/// @notice What the next model follows from besides lanes.
/// @param counts How many updates each checkpoint includes, by rising shard.
/// @param total The sum of `counts`.
/// @param angles How many of the coordinates are angles: the first ones.
/// @param quantumExponent `s` of the angles, as in the round's parameters.
/// @param classicalExponent `s` of the weights.
struct ModelRule {
    uint256[] counts;
    uint256 total;
    uint256 angles;
    uint8 quantumExponent;
    uint8 classicalExponent;
}

/// @title What honest committees and publishers would have signed, computed again from what they were given.
/// @dev Assumes whole vectors: each has as many chunks as its coordinates and the width of its lanes need.
library Recompute {
    /// @notice The `updatesRoot` of a checkpoint that includes `updates`, in this order.
    function updatesRootOf(RevealedUpdate[] calldata updates) internal pure returns (bytes32) {
        bytes32[] memory leaves = new bytes32[](updates.length);
        for (uint256 i = 0; i < updates.length; ++i) {
            RevealedUpdate calldata update = updates[i];
            leaves[i] = Chunks.leafOf(i, Chunks.updateData(update.client, update.updateRoot, update.contentDigest));
        }
        return Chunks.fold(leaves);
    }

    /// @notice A shard's aggregate, as chunks of 32-bit lanes.
    /// @param updates All chunks of each included update.
    /// @param bits Width of their lanes: 4, 8 or 16.
    /// @param trimBps As in the round's parameters.
    function aggregateOf(
        bytes32[][] calldata updates,
        uint256 coordinates,
        uint256 bits,
        uint16 trimBps
    ) internal pure returns (bytes32[] memory means) {
        uint256 perChunk = 256 / bits;
        means = new bytes32[](Lanes.chunksFor(coordinates, 32));
        bytes32[] memory chunks = new bytes32[](updates.length);
        int256[] memory lanes = new int256[](updates.length);
        for (uint256 i = 0; i < coordinates; ++i) {
            if (i % perChunk == 0) {
                for (uint256 k = 0; k < chunks.length; ++k) chunks[k] = updates[k][i / perChunk];
            }
            Lanes.lanesAt(chunks, bits, i % perChunk, lanes);
            means[i / 8] |= Lanes.place(Aggregate.meanOfLanes(lanes, trimBps), i % 8);
        }
    }

    /// @notice The next model, as chunks of 32-bit lanes.
    /// @param base All chunks of the model before.
    /// @param aggregates All chunks of each checkpoint's aggregate.
    function modelOf(
        bytes32[] calldata base,
        bytes32[][] calldata aggregates,
        uint256 coordinates,
        ModelRule memory rule
    ) internal pure returns (bytes32[] memory model) {
        model = new bytes32[](base.length);
        bytes32[] memory chunks = new bytes32[](aggregates.length);
        int256[] memory means = new int256[](aggregates.length);
        for (uint256 i = 0; i < coordinates; ++i) {
            (uint256 chunk, uint256 position) = (i / 8, i % 8);
            if (position == 0) {
                for (uint256 k = 0; k < chunks.length; ++k) chunks[k] = aggregates[k][chunk];
            }
            Lanes.lanesAt(chunks, 32, position, means);
            int32 before = int32(Lanes.laneAt(base[chunk], 32, position));
            model[chunk] |= Lanes.place(nextOf(i, before, means, rule), position);
        }
    }

    /// @notice What becomes of a coordinate that was `before`.
    /// @param means The coordinate in each checkpoint's aggregate.
    function nextOf(
        uint256 coordinate,
        int32 before,
        int256[] memory means,
        ModelRule memory rule
    ) internal pure returns (int32) {
        int256 sum = 0;
        // Never near a limit: at most 2^16 shards of 2^16 updates, and means of 32 bits.
        unchecked {
            for (uint256 i = 0; i < means.length; ++i) {
                sum += means[i] * int256(rule.counts[i]);
            }
        }
        int256 mean = Aggregate.weightedMean(sum, rule.total);
        return
            coordinate < rule.angles
                ? Aggregate.applyToAngle(before, mean, rule.quantumExponent)
                : Aggregate.applyToWeight(before, mean, rule.classicalExponent);
    }
}
