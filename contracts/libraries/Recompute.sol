// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RevealedUpdate} from "../interfaces/IShard.sol";
import {Aggregate} from "./Aggregate.sol";
import {Chunks} from "./Chunks.sol";

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
