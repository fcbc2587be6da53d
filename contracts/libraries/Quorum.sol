// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NoQuorum} from "../interfaces/Errors.sol";
import {Bits} from "./Bits.sol";

/// @dev Seats of the largest committee: a bit of a `uint64` for each.
uint256 constant MAX_SEATS = 64;

/// @title How many of a committee's seats speak for it.
library Quorum {
    /// @notice The least number of seats that speak for a committee of `seats`: two thirds, rounded up.
    function required(uint256 seats) internal pure returns (uint256) {
        return (2 * seats + 2) / 3;
    }

    /// @notice Reverts unless the seats in the set `signed` speak for a committee of `seats`.
    function check(uint64 signed, uint256 seats) internal pure {
        uint256 count = Bits.count(signed);
        if (count < required(seats)) revert NoQuorum(count, required(seats));
    }
}
