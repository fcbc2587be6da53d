// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint, IBeacon} from "./IBeacon.sol";
import {RevealedUpdate} from "./IDisputes.sol";
import {IStaking} from "./IStaking.sol";

/// @notice A shard's result in a final round, opened: who earned what follows from it.
/// @param checkpoint The accepted checkpoint.
/// @param updates All included updates, in the checkpoint's order.
struct ShardClaim {
    Checkpoint checkpoint;
    RevealedUpdate[] updates;
}

/// @title What a final round owes, and what a client owes that committed and did not reveal.
/// @notice Anyone may make a claim for everyone; the money goes from the pool of `Staking` to who earned it.
interface IRewards {
    /// @notice The included updates and the attesting seats of a shard were rewarded.
    event ShardRewarded(uint64 indexed round, uint16 indexed shard);
    /// @notice The publisher was rewarded.
    event PublisherRewarded(uint64 indexed round, uint32 indexed validator);

    /// @notice Thrown when the round's model is not final.
    error NotFinal(uint64 round);
    /// @notice Thrown when the updates of a claim are not those that the checkpoint includes.
    error NotIncluded(uint64 round, uint16 shard);
    /// @notice Thrown when nobody published the round's model: a committee attested it, or it is the genesis model.
    error NoPublisher(uint64 round);
    /// @notice Thrown when this part of a round was rewarded before.
    error AlreadyRewarded(uint64 round);
    /// @notice Thrown when clients may still reveal in the round, or never could.
    error NotOver(uint64 round);
    /// @notice Thrown when none of these clients owes anything for the round.
    error NothingDue(uint64 round, uint16 shard);

    /// @notice Credit what shards and publishers of final rounds earned: each participant once, with all of it together.
    /// @dev Who has left earns nothing more. Costs about 10,000 gas for an update whose client has had rewards before.
    /// @param claims Shards of any final rounds, none of them rewarded before.
    /// @param published Final rounds whose publishers were not rewarded before.
    function reward(ShardClaim[] calldata claims, uint64[] calldata published) external;

    /// @notice Take `forfeitBps` of their stakes from clients that committed in a round and did not reveal. Only where the
    /// shard is on this chain, and once for a client and round.
    /// @param clients Those who owe nothing are passed over.
    function chargeUnrevealed(uint64 round, uint16 shard, uint32[] calldata clients) external;

    /// @notice Whether a shard's updates and seats were rewarded.
    function isShardRewarded(uint64 round, uint16 shard) external view returns (bool);
    /// @notice Whether the publisher was rewarded.
    function isPublisherRewarded(uint64 round) external view returns (bool);
    /// @notice Whether a client was charged for what it did not reveal.
    function isCharged(uint64 round, uint32 client) external view returns (bool);
    /// @notice The contract that holds rounds and checkpoints.
    function beacon() external view returns (IBeacon);
    /// @notice The contract that holds the pool.
    function staking() external view returns (IStaking);
}
