// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Draw} from "../Draw.sol";
import {Round, RoundParameters, RoundState} from "../interfaces/IBeacon.sol";
import {IStaking} from "../interfaces/IStaking.sol";

/// @title A staking contract and a beacon in one, for draws of any size. Not part of a deployment.
contract DrawHarness {
    /// @notice The draw under test.
    Draw public immutable draw = new Draw(IStaking(address(this)));
    uint64 private _round;
    bool private _isOpen;
    bool private _isCutShort;
    RoundParameters private _parameters;

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

    /// @notice The same, but the round before failed in its commit phase.
    function openAgain(uint16 shards, uint8 seats) external {
        _isCutShort = true;
        draw.open(++_round, shards, seats);
        _isCutShort = false;
    }

    /// @notice Say what the next round takes.
    function setParameters(uint16 shards, uint8 seats) external {
        (_parameters.shards, _parameters.seats) = (shards, seats);
    }

    /// @notice Say whether the last round is open, or failed in its commit phase.
    function setLast(bool isOpen, bool isCutShort) external {
        (_isOpen, _isCutShort) = (isOpen, isCutShort);
    }

    /// @notice As in `IBeacon`: each round's reveals are over, or it failed before they began.
    function roundAt(uint64) external view returns (Round memory round) {
        if (_isOpen) round.state = RoundState.Open;
        if (_isCutShort) (round.publishedAt, round.commitEndsAt, round.revealEndsAt) = (1, 2, 3);
    }

    /// @notice As in `IBeacon`.
    function parametersAt(uint16) external view returns (RoundParameters memory) {
        return _parameters;
    }

    /// @notice As in `IBeacon`.
    function parametersVersion() external pure returns (uint16) {
        return 1;
    }

    /// @notice As in `IStaking`.
    function beacon() external view returns (address) {
        return address(this);
    }
}
