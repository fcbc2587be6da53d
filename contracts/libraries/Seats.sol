// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Lists of validators in storage, eight to a slot, each slot written and read once.
library Seats {
    /// @dev 2^16 shards of 64 seats. A fixed array stores no length.
    struct List {
        uint256[2 ** 19] words;
    }

    /// @notice Store `validators` from the first place on.
    /// @dev Assumes an empty list: what lies behind the last one in its slot is overwritten.
    function write(List storage list, uint32[] memory validators) internal {
        uint256 word = 0;
        for (uint256 i = 0; i < validators.length; ++i) {
            word |= uint256(validators[i]) << (32 * (i % 8));
            if (i % 8 == 7 || i + 1 == validators.length) {
                list.words[i / 8] = word;
                word = 0;
            }
        }
    }

    /// @notice The `count` validators from place `first` on.
    function read(List storage list, uint256 first, uint256 count) internal view returns (uint32[] memory validators) {
        validators = new uint32[](count);
        assembly ("memory-safe") {
            let slot := add(list.slot, shr(3, first))
            let word := shr(shl(5, and(first, 7)), sload(slot))
            let left := sub(8, and(first, 7))
            let end := add(add(validators, 0x20), shl(5, count))
            for {
                let at := add(validators, 0x20)
            } lt(at, end) {
                at := add(at, 0x20)
            } {
                if iszero(left) {
                    slot := add(slot, 1)
                    word := sload(slot)
                    left := 8
                }
                mstore(at, and(word, 0xffffffff))
                word := shr(32, word)
                left := sub(left, 1)
            }
        }
    }
}
