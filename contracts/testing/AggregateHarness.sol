// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Aggregate} from "../libraries/Aggregate.sol";
import {Lanes} from "../libraries/Lanes.sol";
import {ModelRule, Recompute} from "../libraries/Recompute.sol";

/// @title Opens `Aggregate`, `Lanes` and `Recompute` to the tests. Not part of a deployment.
contract AggregateHarness {
    /// @notice A shard's aggregate of `coordinates` lanes; `updates[i]` are the chunks of included update `i`, `orders[k]` the
    /// order of the lanes at coordinate `k`.
    function aggregate(
        bytes32[][] calldata updates,
        uint256 bits,
        uint256 coordinates,
        uint16 trimBps,
        bytes[] calldata orders
    ) external pure returns (int32[] memory means) {
        uint256 perChunk = 256 / bits;
        means = new int32[](coordinates);
        int256[] memory lanes = new int256[](updates.length);
        for (uint256 i = 0; i < coordinates; ++i) {
            for (uint256 k = 0; k < lanes.length; ++k) {
                lanes[k] = Lanes.laneAt(updates[k][i / perChunk], bits, i % perChunk);
            }
            means[i] = Aggregate.meanOfLanes(lanes, trimBps, orders[i]);
        }
    }

    /// @notice The gas that one coordinate's trimmed mean takes.
    function gasOfMean(int256[] memory lanes, uint16 trimBps, bytes calldata order) external view returns (uint256) {
        uint256 before = gasleft();
        Aggregate.meanOfLanes(lanes, trimBps, order);
        return before - gasleft();
    }

    /// @notice The next model's coordinates; `means[k]` are shard `k`'s, the first `quantum` of them angles.
    function applyGlobal(
        int32[] calldata base,
        int32[][] calldata means,
        uint16[] calldata counts,
        uint256 quantum,
        uint8 quantumExponent,
        uint8 classicalExponent
    ) external pure returns (int32[] memory model) {
        ModelRule memory rule;
        (rule.angles, rule.quantumExponent, rule.classicalExponent) = (quantum, quantumExponent, classicalExponent);
        for (uint256 k = 0; k < counts.length; ++k) rule.count += counts[k];
        model = new int32[](base.length);
        for (uint256 i = 0; i < base.length; ++i) {
            rule.weightedSum = 0;
            for (uint256 k = 0; k < means.length; ++k) {
                rule.weightedSum += int256(means[k][i]) * int256(uint256(counts[k]));
            }
            model[i] = Recompute.nextOf(i, base[i], rule);
        }
    }

    /// @notice The sum of a vector's squared lanes.
    function squaredNorm(bytes32[] calldata chunks, uint256 bits) external pure returns (uint256 sum) {
        return Lanes.squaredNorm(chunks, bits);
    }

    /// @notice How many chunks hold `coordinates` lanes.
    function chunksFor(uint256 coordinates, uint256 bits) external pure returns (uint256) {
        return Lanes.chunksFor(coordinates, bits);
    }
}
