// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WrongCount, WrongOrder} from "../interfaces/Errors.sol";

/// @title The integer rules that a shard's aggregate and the next global model follow.
/// @notice Bit for bit what `qfl/protocol/rule.py` computes; `tests/vectors/aggregate.json` holds both to it.
/// @dev Every division truncates toward zero.
library Aggregate {
    /// @notice One coordinate of a shard's aggregate: the trimmed mean of the included updates' lanes, with 8 fraction
    /// bits. The `trimBps * n / 10000` lowest and as many of the highest lanes do not count, but one or two always do: at
    /// 5000 it is the median.
    /// @param lanes One lane of each included update: 1 to 256 of them, each within int16.
    /// @param trimBps At most 5000.
    /// @param order The positions of all lanes, a byte each, such that no lane is below the one before. Not read where
    /// nothing is trimmed. Finding it is left to the caller, so that the time is linear in the updates whatever they are.
    function meanOfLanes(int256[] memory lanes, uint16 trimBps, bytes calldata order) internal pure returns (int32) {
        uint256 count = lanes.length;
        uint256 trim = (count * trimBps) / 10_000;
        // Half of an even number would leave nothing: the two in the middle stay.
        if (trim * 2 == count) --trim;
        int256 sum = trim == 0 ? _sumOf(lanes) : _sumBetween(lanes, order, trim);
        return int32((sum * 256) / int256(count - 2 * trim));
    }

    /// @notice The global mean step of one coordinate, with 8 fraction bits.
    /// @param weightedSum The sum over shards of count * mean.
    /// @param count The sum of the counts; at least 1.
    function weightedMean(int256 weightedSum, uint256 count) internal pure returns (int256) {
        return weightedSum / int256(count);
    }

    /// @notice An angle after the step `mean * 2^(exponent - 8)`: wraps, as angles do.
    function applyToAngle(int32 base, int256 mean, uint8 exponent) internal pure returns (int32) {
        return int32(base + _step(mean, exponent));
    }

    /// @notice A classical weight after the step `mean * 2^(exponent - 8)`: saturates.
    function applyToWeight(int32 base, int256 mean, uint8 exponent) internal pure returns (int32) {
        int256 weight = base + _step(mean, exponent);
        if (weight > type(int32).max) return type(int32).max;
        if (weight < type(int32).min) return type(int32).min;
        return int32(weight);
    }

    /// @dev A mean with 8 fraction bits in model units. Assumes exponent <= 31.
    function _step(int256 mean, uint8 exponent) private pure returns (int256) {
        return exponent >= 8 ? mean << (exponent - 8) : mean / int256(uint256(1) << (8 - exponent));
    }

    function _sumOf(int256[] memory lanes) private pure returns (int256 sum) {
        unchecked {
            for (uint256 i = 0; i < lanes.length; ++i) {
                sum += lanes[i];
            }
        }
    }

    /// @dev The sum of `lanes` without the `trim` lowest and the `trim` highest, in the order given, which is checked.
    function _sumBetween(int256[] memory lanes, bytes calldata order, uint256 trim) private pure returns (int256 sum) {
        uint256 count = lanes.length;
        if (order.length != count) revert WrongCount("order", order.length, count);
        uint256 seen = 0;
        int256 previous = type(int256).min;
        unchecked {
            for (uint256 i = 0; i < count; ++i) {
                uint256 position = uint8(order[i]);
                if (position >= count || (seen >> position) & 1 == 1) revert WrongOrder(i);
                seen |= 1 << position;
                int256 lane = lanes[position];
                if (lane < previous) revert WrongOrder(i);
                previous = lane;
                if (i >= trim && i < count - trim) sum += lane;
            }
        }
    }
}
