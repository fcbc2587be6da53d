// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Sets of small numbers as bitmaps: bit `i` is set when `i` is in the set.
library Bits {
    uint256 private constant PAIRS = 0x5555555555555555555555555555555555555555555555555555555555555555;
    uint256 private constant NIBBLES = 0x3333333333333333333333333333333333333333333333333333333333333333;
    uint256 private constant BYTES = 0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f;
    uint256 private constant LANES = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant ONES = 0x0001000100010001000100010001000100010001000100010001000100010001;

    /// @notice How many bits are set: 0 to 256.
    /// @dev Adds up neighbours of 1, 2, 4 and 8 bits; none overflows its lane. The product's top lane is the sum of all.
    function count(uint256 set) internal pure returns (uint256) {
        unchecked {
            set -= (set >> 1) & PAIRS;
            set = (set & NIBBLES) + ((set >> 2) & NIBBLES);
            set = (set + (set >> 4)) & BYTES;
            set = (set & LANES) + ((set >> 8) & LANES);
            return (set * ONES) >> 240;
        }
    }
}
