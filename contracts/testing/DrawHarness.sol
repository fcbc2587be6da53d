// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Draw} from "../Draw.sol";
import {Round} from "../interfaces/IBeacon.sol";
import {IStaking} from "../interfaces/IStaking.sol";

/// @title A staking contract and a beacon in one, for draws of any size. Not part of a deployment.
contract DrawHarness {
    /// @notice The draw under test.
    Draw public immutable draw = new Draw(IStaking(address(this)));
    uint64 private _round;

    /// @notice Bond `count` validators with the same stake.
    function bond(uint32 first, uint32 count, bytes28 anchor, uint96 weightWei) external {
        for (uint32 id = first; id < first + count; ++id) {
            draw.setAnchor(id, anchor);
            draw.weigh(id, weightWei);
        }
    }

    /// @notice Change several weights.
    function weigh(uint32[] calldata ids, uint96[] calldata weightsWei) external {
        for (uint256 i = 0; i < ids.length; ++i) draw.weigh(ids[i], weightsWei[i]);
    }

    /// @notice Open the next round; of the one before, no link was shown.
    function open(uint16 shards, uint8 seats) external {
        draw.open(++_round, shards, seats);
    }

    /// @notice As in `IBeacon`: each round's reveals are over.
    function roundAt(uint64) external pure returns (Round memory round) {
        return round;
    }

    /// @notice As in `IStaking`.
    function beacon() external view returns (address) {
        return address(this);
    }
}
