// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LmsKey} from "./IStaking.sol";

/// @notice Where the current round stands. `Idle`: no round is open, one may be opened.
enum Phase {
    Idle,
    Commit,
    Reveal,
    Checkpoint,
    Publish
}

/// @notice What a shard knows of the current round.
/// @param round Its number, from 1; 0 before the first.
/// @param phase Where it stands at `block.timestamp`.
/// @param phaseEndsAt When that phase ends (unix seconds); 0 when idle.
/// @param revealEndsAt When turn 0 of the proposers begins.
/// @param turnSeconds How long each proposer has before the next seat may propose.
/// @param shards How many shards the round has.
/// @param seats How many seats each committee has.
/// @param baseRoot Root of the model the round trains on.
/// @param normBound Largest sum of squared lanes an update may have.
/// @param laneBits Width of an update's lanes: 4, 8 or 16.
struct RoundContext {
    uint64 round;
    Phase phase;
    uint40 phaseEndsAt;
    uint40 revealEndsAt;
    uint32 turnSeconds;
    uint16 shards;
    uint8 seats;
    bytes32 baseRoot;
    uint64 normBound;
    uint8 laneBits;
}

/// @title All that a shard knows of the rest of the protocol: the beacon itself, or its mirror on another chain.
interface IBeaconView {
    /// @notice The current round.
    function context() external view returns (RoundContext memory);

    /// @notice A client's standing in the current round.
    /// @return active True for a bonded client that has not asked to leave.
    /// @return shard The shard it is assigned to in the current round.
    /// @return key The key that speaks for it.
    function client(uint32 id) external view returns (bool active, uint16 shard, LmsKey memory key);

    /// @notice The validators in a committee's seats, in seat order.
    function committee(uint64 round, uint16 shard) external view returns (uint32[] memory validators);
}
