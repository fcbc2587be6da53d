// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Sums by participant, in memory: a hash table with open addressing, at most half full.
library Sums {
    /// @param places `id << 32 | position + 1` by hash; 0 where nothing is.
    /// @param ids Who has a sum, in the order of their first amounts; the first `count` are used.
    /// @param amounts Their sums.
    struct Table {
        uint256[] places;
        uint32[] ids;
        uint256[] amounts;
        uint256 count;
    }

    /// @notice A table for at most `capacity` different participants.
    function create(uint256 capacity) internal pure returns (Table memory table) {
        uint256 size = 2;
        while (size < 2 * capacity) size <<= 1;
        table.places = new uint256[](size);
        (table.ids, table.amounts) = (new uint32[](capacity), new uint256[](capacity));
    }

    /// @notice Add `amount` to what participant `id` has.
    function add(Table memory table, uint32 id, uint256 amount) internal pure {
        uint256[] memory places = table.places;
        uint256 last = places.length - 1;
        // Ids are given out in order, so neighbours take neighbouring places.
        uint256 at = id & last;
        while (places[at] != 0 && places[at] >> 32 != id) at = (at + 1) & last;
        if (places[at] == 0) {
            table.ids[table.count] = id;
            places[at] = (uint256(id) << 32) | ++table.count;
        }
        table.amounts[uint32(places[at]) - 1] += amount;
    }

    /// @notice Every participant of a table, and its sum. The table is of no use afterwards.
    function read(Table memory table) internal pure returns (uint32[] memory ids, uint256[] memory amounts) {
        (ids, amounts) = (table.ids, table.amounts);
        uint256 count = table.count;
        assembly ("memory-safe") {
            mstore(ids, count)
            mstore(amounts, count)
        }
    }
}
