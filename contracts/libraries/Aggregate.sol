// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The integer rules that a shard's aggregate and the next global model follow.
/// @notice Bit for bit what `qfl/protocol/rule.py` computes; `tests/vectors/aggregate.json` holds both to it.
/// @dev Every division truncates toward zero.
library Aggregate {
    /// @notice One coordinate of a shard's aggregate: the trimmed mean of the included updates' lanes, with 8 fraction
    /// bits. The `trimBps * n / 10000` lowest and as many of the highest lanes do not count, but one or two always do: at
    /// 5000 it is the median.
    /// @param lanes One lane of each included update; left in another order. At least one, each within int16.
    /// @param trimBps At most 5000.
    function meanOfLanes(int256[] memory lanes, uint16 trimBps) internal pure returns (int32) {
        uint256 count = lanes.length;
        uint256 trim = (count * trimBps) / 10_000;
        // Half of an even number would leave nothing: the two in the middle stay.
        if (trim * 2 == count) --trim;
        int256 sum = _sumWithout(lanes, trim);
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

    /// @dev The sum of `lanes` without the `trim` lowest and the `trim` highest. Each pass carries the lowest and the
    /// highest lane out and moves the others two places down: trim * (count - trim) steps whatever the order, so that
    /// no choice of updates makes a dispute too dear, and next to nothing for the few trims of a small shard.
    function _sumWithout(int256[] memory lanes, uint256 trim) private pure returns (int256 sum) {
        assembly ("memory-safe") {
            let start := add(lanes, 32)
            let end := add(start, shl(5, mload(lanes)))
            for {} trim {
                trim := sub(trim, 1)
            } {
                let low := mload(start)
                let high := mload(add(start, 32))
                if sgt(low, high) {
                    let other := low
                    low := high
                    high := other
                }
                for {
                    let at := add(start, 64)
                } lt(at, end) {
                    at := add(at, 32)
                } {
                    let lane := mload(at)
                    if slt(lane, low) {
                        let other := low
                        low := lane
                        lane := other
                    }
                    if sgt(lane, high) {
                        let other := high
                        high := lane
                        lane := other
                    }
                    mstore(sub(at, 64), lane)
                }
                end := sub(end, 64)
            }
            for {
                let at := start
            } lt(at, end) {
                at := add(at, 32)
            } {
                sum := add(sum, mload(at))
            }
        }
    }
}
