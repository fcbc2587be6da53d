// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Lanes: signed integers packed into 32-byte chunks, lane 0 in the most significant bits.
/// @dev Assumes `bits` is 4, 8, 16 or 32: 64, 32, 16 or 8 lanes a chunk.
library Lanes {
    /// @notice How many chunks hold `coordinates` lanes.
    function chunksFor(uint256 coordinates, uint256 bits) internal pure returns (uint256) {
        return (coordinates * bits + 255) / 256;
    }

    /// @notice Lane `position` of a chunk.
    function laneAt(bytes32 chunk, uint256 bits, uint256 position) internal pure returns (int256 lane) {
        assembly ("memory-safe") {
            lane := sar(sub(256, bits), shl(mul(bits, position), chunk))
        }
    }

    /// @notice The sum of all squared lanes of an update's chunks; padding is zero and adds nothing.
    /// @dev Assumes that `bits` is 4, 8 or 16, and fewer than 2^27 chunks. Four lanes at a time: as numbers with 64-bit
    /// digits, (a, b, c, d) * (d, c, b, a) has the sum of the four squares as its top digit. Digits may be negative: they
    /// borrow from the next one, which rounding undoes at the end.
    function squaredNorm(bytes32[] calldata chunks, uint256 bits) internal pure returns (uint256 sum) {
        uint256 half = 1 << (bits - 1);
        // Added to every lane, to make it positive for the time being, and taken off four lanes again.
        uint256 halves = half * (type(uint256).max / ((1 << bits) - 1));
        uint256 fourHalves = half * 0x0000000000000001000000000000000100000000000000010000000000000001;
        // 16-bit places: all of a chunk's 16-bit lanes, every other one of its 8-bit, every fourth of its 4-bit lanes.
        uint256 places = ((1 << bits) - 1) * (type(uint256).max / 0xffff);
        assembly ("memory-safe") {
            let digit := 0x000000000000ffff000000000000ffff000000000000ffff000000000000ffff
            let low := 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff
            let end := add(chunks.offset, shl(5, chunks.length))
            for {
                let shift := 0
            } lt(shift, 16) {
                shift := add(shift, bits)
            } {
                for {
                    let at := chunks.offset
                } lt(at, end) {
                    at := add(at, 32)
                } {
                    let lanes := and(shr(shift, xor(calldataload(at), halves)), places)
                    // The four quarters of the chunk the other way round.
                    let turned := or(shr(128, lanes), shl(128, lanes))
                    turned := or(and(shr(64, turned), low), shl(64, and(turned, low)))
                    sum := add(sum, mul(sub(and(lanes, digit), fourHalves), sub(and(turned, digit), fourHalves)))
                    sum := add(
                        sum,
                        mul(sub(and(shr(16, lanes), digit), fourHalves), sub(and(shr(16, turned), digit), fourHalves))
                    )
                    sum := add(
                        sum,
                        mul(sub(and(shr(32, lanes), digit), fourHalves), sub(and(shr(32, turned), digit), fourHalves))
                    )
                    sum := add(
                        sum,
                        mul(sub(and(shr(48, lanes), digit), fourHalves), sub(and(shr(48, turned), digit), fourHalves))
                    )
                }
            }
        }
        unchecked {
            sum = (sum + (1 << 191)) >> 192;
        }
    }
}
