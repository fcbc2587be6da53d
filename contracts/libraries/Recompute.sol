// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RevealedUpdate} from "../interfaces/IShard.sol";
import {Aggregate} from "./Aggregate.sol";
import {Chunks} from "./Chunks.sol";

/// @notice What the next model follows from besides lanes.
/// @param weightedSum The coordinate in every checkpoint's aggregate, times how many updates that one includes, summed up.
/// @param count How many updates all checkpoints include.
/// @param angles How many of the coordinates are angles: the first ones.
/// @param quantumExponent `s` of the angles, as in the round's parameters.
/// @param classicalExponent `s` of the weights.
struct ModelRule {
    int256 weightedSum;
    uint256 count;
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
    function nextOf(uint256 coordinate, int32 before, ModelRule memory rule) internal pure returns (int32) {
        int256 mean = Aggregate.weightedMean(rule.weightedSum, rule.count);
        return
            coordinate < rule.angles
                ? Aggregate.applyToAngle(before, mean, rule.quantumExponent)
                : Aggregate.applyToWeight(before, mean, rule.classicalExponent);
    }
}
