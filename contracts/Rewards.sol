// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NoCheckpoint} from "./interfaces/Errors.sol";
import {Checkpoint, CheckpointRecord, IBeacon, RewardTerms, Round, RoundState} from "./interfaces/IBeacon.sol";
import {IDisputes} from "./interfaces/IDisputes.sol";
import {IDraw} from "./interfaces/IDraw.sol";
import {IRewards, ShardClaim} from "./interfaces/IRewards.sol";
import {IShard} from "./interfaces/IShard.sol";
import {IStaking} from "./interfaces/IStaking.sol";
import {Recompute} from "./libraries/Recompute.sol";
import {Sums} from "./libraries/Sums.sol";

/// @title What a final round owes, and what a client owes that committed and did not reveal.
/// @dev Nobody owns it and it holds no money. A final round no longer changes, so a claim is good at any time after.
contract Rewards is IRewards {
    using Sums for Sums.Table;

    /// @inheritdoc IRewards
    IBeacon public immutable beacon;
    /// @inheritdoc IRewards
    IStaking public immutable staking;
    IDraw private immutable _draw;
    /// @inheritdoc IRewards
    mapping(uint64 round => mapping(uint32 client => bool)) public isCharged;

    /// @dev Part 0 of a round is its publisher, part `i + 1` shard `i`. A bit for each round, so that the rounds of one
    /// claim write the same slot.
    mapping(uint256 part => mapping(uint64 word => uint256 rounds)) private _rewarded;

    constructor(IBeacon beacon_, IStaking staking_) {
        (beacon, staking, _draw) = (beacon_, staking_, beacon_.draw());
    }

    /// @inheritdoc IRewards
    function reward(ShardClaim[] calldata claims, uint64[] calldata published) external {
        uint256 capacity = published.length;
        for (uint256 i = 0; i < claims.length; ++i) capacity += claims[i].updates.length + 64;
        Sums.Table memory earned = Sums.create(capacity);
        for (uint256 i = 0; i < claims.length; ++i) _rewardShard(claims[i], earned);
        for (uint256 i = 0; i < published.length; ++i) {
            RewardTerms memory terms = _termsOf(published[i]);
            if (terms.publisher == 0) revert NoPublisher(published[i]);
            _mark(0, published[i]);
            earned.add(terms.publisher, uint256(terms.publisherRewardGwei) * 1 gwei);
            emit PublisherRewarded(published[i], terms.publisher);
        }
        (uint32[] memory ids, uint256[] memory amounts) = earned.read();
        staking.creditRewards(ids, amounts);
    }

    /// @inheritdoc IRewards
    function chargeUnrevealed(uint64 round, uint16 shard, uint32[] calldata clients) external {
        if (!_areRevealsOver(round)) revert NotOver(round);
        IShard asked = IDisputes(beacon.disputes()).shards(shard);
        uint32[] memory owing = new uint32[](clients.length);
        uint256 found = 0;
        for (uint256 i = 0; i < clients.length; ++i) {
            bytes32 kept = asked.updateOf(round, clients[i]);
            if (kept == 0 || uint256(kept) & 1 == 1 || isCharged[round][clients[i]]) continue;
            isCharged[round][clients[i]] = true;
            owing[found] = clients[i];
            ++found;
        }
        if (found == 0) revert NothingDue(round, shard);
        assembly ("memory-safe") {
            mstore(owing, found)
        }
        staking.forfeit(owing, msg.sender);
    }

    /// @inheritdoc IRewards
    function isShardRewarded(uint64 round, uint16 shard) external view returns (bool) {
        return _isRewarded(uint256(shard) + 1, round);
    }

    /// @inheritdoc IRewards
    function isPublisherRewarded(uint64 round) external view returns (bool) {
        return _isRewarded(0, round);
    }

    // --- inside ----------------------------------------------------------------------------------------------

    function _rewardShard(ShardClaim calldata claim, Sums.Table memory earned) private {
        Checkpoint calldata checkpoint = claim.checkpoint;
        (uint64 round, uint16 shard) = (checkpoint.round, checkpoint.shard);
        RewardTerms memory terms = _termsOf(round);
        CheckpointRecord memory record = beacon.checkpointAt(round, shard);
        bool isAccepted = record.digest != 0 && !record.voided;
        if (!isAccepted || record.digest != beacon.checkpointDigest(checkpoint)) revert NoCheckpoint(round, shard);
        if (
            claim.updates.length != checkpoint.count || Recompute.updatesRootOf(claim.updates) != checkpoint.updatesRoot
        ) revert NotIncluded(round, shard);
        _mark(uint256(shard) + 1, round);

        for (uint256 i = 0; i < claim.updates.length; ++i) {
            earned.add(claim.updates[i].client, uint256(terms.updateRewardGwei) * 1 gwei);
        }
        uint32[] memory committee = beacon.committee(round, shard);
        // Those that were to show a link and did not get nothing; they are counted through all of the round's seats.
        uint256 paid = record.attested & ~(_draw.silentSeats(round) >> (uint256(shard) * committee.length));
        for (uint256 seat = 0; seat < committee.length; ++seat) {
            if ((paid >> seat) & 1 == 1) earned.add(committee[seat], uint256(terms.seatRewardGwei) * 1 gwei);
        }
        emit ShardRewarded(round, shard);
    }

    function _mark(uint256 part, uint64 round) private {
        if (_isRewarded(part, round)) revert AlreadyRewarded(round);
        _rewarded[part][round >> 8] |= 1 << (round & 0xff);
    }

    function _isRewarded(uint256 part, uint64 round) private view returns (bool) {
        return (_rewarded[part][round >> 8] >> (round & 0xff)) & 1 == 1;
    }

    function _termsOf(uint64 round) private view returns (RewardTerms memory terms) {
        terms = beacon.rewardTermsOf(round);
        if (!terms.isFinal) revert NotFinal(round);
    }

    /// @dev Whether every client had its time to reveal: a round may fail before that, when its base falls.
    function _areRevealsOver(uint64 round) private view returns (bool) {
        Round memory asked = beacon.roundAt(round);
        if (asked.state == RoundState.None || asked.revealEndsAt == 0) return false;
        bool failedEarly = asked.state == RoundState.Failed && asked.publishedAt != 0;
        uint256 until = failedEarly ? asked.publishedAt : block.timestamp;
        return until >= asked.revealEndsAt;
    }
}
