// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NoCheckpoint} from "./interfaces/Errors.sol";
import {Checkpoint, CheckpointRecord, IBeacon, RewardTerms} from "./interfaces/IBeacon.sol";
import {IRewards} from "./interfaces/IRewards.sol";
import {IStaking} from "./interfaces/IStaking.sol";
import {Chunks} from "./libraries/Chunks.sol";

/// @title What a final round owes, credited once to each who earned it.
/// @dev Nobody owns it and it holds no money. A final round no longer changes, so a claim is good at any time after.
contract Rewards is IRewards {
    /// @inheritdoc IRewards
    IBeacon public immutable beacon;
    /// @inheritdoc IRewards
    IStaking public immutable staking;

    /// @inheritdoc IRewards
    mapping(uint64 round => mapping(uint16 shard => uint256 positions)) public rewardedUpdates;
    /// @inheritdoc IRewards
    mapping(uint64 round => mapping(uint16 shard => uint64 seats)) public rewardedSeats;
    /// @inheritdoc IRewards
    mapping(uint64 round => bool) public isPublisherRewarded;

    constructor(IBeacon beacon_, IStaking staking_) {
        (beacon, staking) = (beacon_, staking_);
        isPublisherRewarded[0] = true;
    }

    /// @inheritdoc IRewards
    function rewardUpdate(
        Checkpoint calldata checkpoint,
        uint16 position,
        uint32 clientId,
        bytes32 updateRoot,
        bytes32 contentDigest,
        bytes32[] calldata path
    ) external {
        (uint64 round, uint16 shard) = (checkpoint.round, checkpoint.shard);
        RewardTerms memory terms = _termsOf(round);
        if (_accepted(round, shard).digest != beacon.checkpointDigest(checkpoint)) revert NoCheckpoint(round, shard);
        bytes memory leaf = Chunks.updateData(clientId, updateRoot, contentDigest);
        if (!Chunks.verify(checkpoint.updatesRoot, checkpoint.count, position, leaf, path)) {
            revert NotIncluded(round, shard, clientId);
        }
        uint256 rewarded = rewardedUpdates[round][shard];
        if ((rewarded >> position) & 1 != 0) revert AlreadyRewarded(round);

        rewardedUpdates[round][shard] = rewarded | (1 << position);
        emit UpdateRewarded(round, shard, clientId);
        staking.creditReward(clientId, terms.updateRewardGwei * 1 gwei);
    }

    /// @inheritdoc IRewards
    function rewardSeat(uint64 round, uint16 shard, uint8 seat) external {
        RewardTerms memory terms = _termsOf(round);
        if ((uint256(_accepted(round, shard).attested) >> seat) & 1 == 0) revert NotAttested(round, shard, seat);
        uint64 rewarded = rewardedSeats[round][shard];
        if ((rewarded >> seat) & 1 != 0) revert AlreadyRewarded(round);
        uint32 validator = beacon.committee(round, shard)[seat];

        rewardedSeats[round][shard] = rewarded | (uint64(1) << seat);
        emit SeatRewarded(round, shard, validator, seat);
        staking.creditReward(validator, terms.seatRewardGwei * 1 gwei);
    }

    /// @inheritdoc IRewards
    function rewardPublisher(uint64 round) external {
        RewardTerms memory terms = _termsOf(round);
        if (isPublisherRewarded[round]) revert AlreadyRewarded(round);

        isPublisherRewarded[round] = true;
        emit PublisherRewarded(round, terms.publisher);
        staking.creditReward(terms.publisher, terms.publisherRewardGwei * 1 gwei);
    }

    function _termsOf(uint64 round) private view returns (RewardTerms memory terms) {
        terms = beacon.rewardTermsOf(round);
        if (!terms.isFinal) revert NotFinal(round);
    }

    function _accepted(uint64 round, uint16 shard) private view returns (CheckpointRecord memory record) {
        record = beacon.checkpointAt(round, shard);
        if (record.digest == 0 || record.voided) revert NoCheckpoint(round, shard);
    }
}
