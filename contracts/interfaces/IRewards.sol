// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint, IBeacon} from "./IBeacon.sol";
import {IStaking} from "./IStaking.sol";

/// @title What a final round owes, credited once to each who earned it.
/// @notice Anyone may make a claim for anyone; the money goes from the pool of `Staking` to who earned it.
interface IRewards {
    /// @notice An included update was rewarded.
    event UpdateRewarded(uint64 indexed round, uint16 indexed shard, uint32 indexed client);
    /// @notice An attesting seat was rewarded.
    event SeatRewarded(uint64 indexed round, uint16 indexed shard, uint32 indexed validator, uint8 seat);
    /// @notice The publisher was rewarded.
    event PublisherRewarded(uint64 indexed round, uint32 indexed validator);

    /// @notice Thrown when the round's model is not final.
    error NotFinal(uint64 round);
    /// @notice Thrown when a claim does not match what was attested.
    error NotIncluded(uint64 round, uint16 shard, uint32 client);
    /// @notice Thrown when a seat did not attest.
    error NotAttested(uint64 round, uint16 shard, uint8 seat);
    /// @notice Thrown when a reward was credited before.
    error AlreadyRewarded(uint64 round);

    /// @notice Credit the reward of an included update of a final round.
    /// @param position The update's place among the included ones.
    /// @param path `Chunks` path of (client, updateRoot, contentDigest) at `position` to `checkpoint.updatesRoot`.
    function rewardUpdate(
        Checkpoint calldata checkpoint,
        uint16 position,
        uint32 clientId,
        bytes32 updateRoot,
        bytes32 contentDigest,
        bytes32[] calldata path
    ) external;

    /// @notice Credit the reward of an attesting seat of a final round.
    function rewardSeat(uint64 round, uint16 shard, uint8 seat) external;

    /// @notice Credit the publisher's reward of a final round.
    function rewardPublisher(uint64 round) external;

    /// @notice Which included updates of a shard were rewarded: bit `i` is position `i`.
    function rewardedUpdates(uint64 round, uint16 shard) external view returns (uint256 positions);
    /// @notice Which attesting seats of a shard were rewarded: bit `i` is seat `i`.
    function rewardedSeats(uint64 round, uint16 shard) external view returns (uint64 seats);
    /// @notice Whether the publisher was rewarded; the genesis model has none, and counts as rewarded.
    function isPublisherRewarded(uint64 round) external view returns (bool);
    /// @notice The contract that holds rounds and checkpoints.
    function beacon() external view returns (IBeacon);
    /// @notice The contract that holds the pool.
    function staking() external view returns (IStaking);
}
