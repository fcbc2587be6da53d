// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {
    Checkpoint,
    CheckpointRecord,
    IBeacon,
    ModelGenesis,
    Round,
    RoundParameters,
    RoundState
} from "./interfaces/IBeacon.sol";
import {Phase} from "./interfaces/IBeaconView.sol";
import {IQuorum} from "./interfaces/IQuorum.sol";
import {IStaking} from "./interfaces/IStaking.sol";
import {BeaconViews} from "./BeaconViews.sol";
import {Chunks} from "./libraries/Chunks.sol";
import {Digest} from "./libraries/Digest.sol";
import {Rounds} from "./libraries/Rounds.sol";

/// @title Rounds, committees, checkpoints, the chain of models and its finality.
/// @dev Models form one chain: a round's base is the head when it opens, and nothing but its own publication, or a
/// rollback that fails it, moves the head before it is over. So every published model lies between the head and the
/// last final one, and at most `MAX_UNSETTLED` of them are there to roll back.
/// @dev Warning: who opens a round chooses the block, and with it one `prevrandao`; stakes may move in that block too.
contract Beacon is BeaconViews, Ownable {
    using Rounds for Round;

    /// @dev Models that may wait for finality at once: bounds a rollback's gas.
    uint16 private constant MAX_UNSETTLED = 32;

    constructor(
        IStaking staking_,
        IQuorum quorum_,
        ModelGenesis memory genesis,
        RoundParameters memory parameters,
        address disputes_,
        address owner_
    ) BeaconViews(staking_, quorum_, genesis, disputes_) Ownable(owner_) {
        _setParameters(parameters);
        Round storage zero = _rounds[0];
        zero.parametersVersion = 1;
        zero.state = RoundState.Final;
        zero.publisherPaid = true;
        zero.modelRoot = genesis.modelRoot;
        zero.contentDigest = genesis.contentDigest;
    }

    modifier onlyDisputes() {
        if (msg.sender != disputes) revert NotDisputes(msg.sender);
        _;
    }

    /// @inheritdoc IBeacon
    function setParameters(RoundParameters calldata parameters) external onlyOwner {
        _setParameters(parameters);
    }

    // --- a round, in order -----------------------------------------------------------------------------------

    /// @inheritdoc IBeacon
    function openRound() external returns (uint64 round) {
        uint64 previous = _chain.currentRound;
        Round storage last = _rounds[previous];
        (Phase phase, uint40 endsAt) = last.phaseOf(_parameters[last.parametersVersion].shards);
        if (phase != Phase.Idle) revert RoundInProgress(previous, endsAt);
        round = previous + 1;
        if (_chain.unsettled >= MAX_UNSETTLED) revert TooManyUnsettled(_chain.finalRound, round);

        uint16 version = _chain.parametersVersion;
        RoundParameters storage parameters = _parameters[version];
        bytes32 seed = keccak256(abi.encode(last.seed, block.prevrandao, round));
        uint32[] memory seated = staking.draw(seed, uint256(parameters.shards) * parameters.seats);

        if (last.state == RoundState.Open) _fail(previous);
        _chain.currentRound = round;
        for (uint256 i = 0; i < seated.length; ++i) {
            _seats[round][i] = seated[i];
        }
        Round storage opened = _rounds[round];
        opened.seed = seed;
        opened.baseRound = _chain.headRound;
        opened.parametersVersion = version;
        opened.state = RoundState.Open;
        opened.commitEndsAt = uint40(block.timestamp) + parameters.commitSeconds;
        opened.revealEndsAt = opened.commitEndsAt + parameters.revealSeconds;
        opened.checkpointEndsAt = opened.revealEndsAt + parameters.checkpointSeconds;
        opened.publishEndsAt = opened.checkpointEndsAt + parameters.publishSeconds;
        _emitOpened(round, opened, seated);
    }

    /// @inheritdoc IBeacon
    function submitCheckpoint(Checkpoint calldata checkpoint, bytes calldata bundle) external {
        Round storage round = _inPhase(checkpoint.round, Phase.Checkpoint);
        RoundParameters storage parameters = _parameters[round.parametersVersion];
        CheckpointRecord storage record = _checkpoints[checkpoint.round][checkpoint.shard];
        _checkCheckpoint(checkpoint, round, parameters, record);

        bytes32 digest = Digest.checkpoint(checkpoint);
        uint8 seats = parameters.seats;
        uint64 attested = quorum.verify(digest, _committee(checkpoint.round, checkpoint.shard, seats), bundle);
        uint256 signed = _bitsIn(attested);
        uint256 required = (2 * uint256(seats) + 2) / 3;
        if (signed < required) revert NoQuorum(signed, required);

        record.digest = digest;
        record.attested = attested;
        record.acceptedAt = uint40(block.timestamp);
        record.count = checkpoint.count;
        ++round.checkpoints;
        emit CheckpointAccepted(checkpoint.round, checkpoint.shard, digest, attested, checkpoint);
    }

    /// @inheritdoc IBeacon
    function publish(
        uint64 round,
        uint32 validator,
        bytes32 modelRoot,
        bytes32 contentDigest,
        bytes calldata signature
    ) external {
        Round storage published = _inPhase(round, Phase.Publish);
        if (!_isActiveValidator(validator)) revert NotValidator(validator);

        published.state = RoundState.Published;
        published.publisher = validator;
        published.publishedAt = uint40(block.timestamp);
        published.modelRoot = modelRoot;
        published.contentDigest = contentDigest;
        _chain.headRound = round;
        ++_chain.unsettled;
        emit ModelPublished(round, validator, modelRoot, contentDigest);
        staking.authorise(validator, Digest.publication(round, validator, modelRoot, contentDigest), signature);
    }

    /// @inheritdoc IBeacon
    function settle(uint64 round) external {
        Round storage settled = _inState(round, RoundState.Published);
        uint256 finalAt = uint256(settled.publishedAt) + _parameters[settled.parametersVersion].challengeSeconds;
        if (block.timestamp < finalAt) revert StillChallengeable(round, finalAt);
        uint64 baseRound = settled.baseRound;
        if (_rounds[baseRound].state != RoundState.Final) revert BaseNotFinal(round, baseRound);

        settled.state = RoundState.Final;
        _chain.finalRound = round;
        --_chain.unsettled;
        emit ModelFinalised(round);
    }

    // --- faults ----------------------------------------------------------------------------------------------

    /// @inheritdoc IBeacon
    function voidCheckpoint(uint64 round, uint16 shard) external onlyDisputes {
        CheckpointRecord storage record = _accepted(round, shard);
        RoundState state = _rounds[round].state;
        if (state == RoundState.Final) revert WrongState(round, state, RoundState.Published);

        record.voided = true;
        emit CheckpointVoided(round, shard);
        if (state == RoundState.Open) _fail(round);
        if (state == RoundState.Published) _rollBack(round);
    }

    /// @inheritdoc IBeacon
    function voidModel(uint64 round) external onlyDisputes {
        _inState(round, RoundState.Published);
        _rollBack(round);
    }

    // --- rewards ---------------------------------------------------------------------------------------------

    /// @inheritdoc IBeacon
    function rewardUpdate(
        Checkpoint calldata checkpoint,
        uint16 position,
        uint32 clientId,
        bytes32 updateRoot,
        bytes32 contentDigest,
        bytes32[] calldata path
    ) external {
        (uint64 round, uint16 shard) = (checkpoint.round, checkpoint.shard);
        Round storage settled = _inState(round, RoundState.Final);
        if (_accepted(round, shard).digest != Digest.checkpoint(checkpoint)) revert NoCheckpoint(round, shard);
        bytes memory leaf = abi.encodePacked(clientId, updateRoot, contentDigest);
        if (!Chunks.verify(checkpoint.updatesRoot, checkpoint.count, position, leaf, path)) {
            revert NotIncluded(round, shard, clientId);
        }
        uint256 rewarded = rewardedUpdates[round][shard];
        if ((rewarded >> position) & 1 != 0) revert AlreadyRewarded(round);

        rewardedUpdates[round][shard] = rewarded | (1 << position);
        emit UpdateRewarded(round, shard, clientId);
        staking.creditReward(clientId, _parameters[settled.parametersVersion].updateRewardGwei * 1 gwei);
    }

    /// @inheritdoc IBeacon
    function rewardSeat(uint64 round, uint16 shard, uint8 seat) external {
        Round storage settled = _inState(round, RoundState.Final);
        CheckpointRecord storage record = _accepted(round, shard);
        if ((uint256(record.attested) >> seat) & 1 == 0) revert NotAttested(round, shard, seat);
        if ((uint256(record.paid) >> seat) & 1 != 0) revert AlreadyRewarded(round);
        RoundParameters storage parameters = _parameters[settled.parametersVersion];
        uint32 validator = _seats[round][uint256(shard) * parameters.seats + seat];

        record.paid |= uint64(1) << seat;
        emit SeatRewarded(round, shard, validator, seat);
        staking.creditReward(validator, parameters.seatRewardGwei * 1 gwei);
    }

    /// @inheritdoc IBeacon
    function rewardPublisher(uint64 round) external {
        Round storage settled = _inState(round, RoundState.Final);
        if (settled.publisherPaid) revert AlreadyRewarded(round);
        uint32 validator = settled.publisher;

        settled.publisherPaid = true;
        emit PublisherRewarded(round, validator);
        staking.creditReward(validator, _parameters[settled.parametersVersion].publisherRewardGwei * 1 gwei);
    }

    // --- inside ----------------------------------------------------------------------------------------------

    function _setParameters(RoundParameters memory parameters) private {
        Rounds.check(parameters, staking.unbondingSeconds());
        uint16 version = ++_chain.parametersVersion;
        _parameters[version] = parameters;
        emit ParametersSet(version, parameters);
    }

    function _fail(uint64 round) private {
        _rounds[round].state = RoundState.Failed;
        emit RoundFailed(round);
    }

    /// @dev Voids the models from the head down to `round`, which is on that chain because it is `Published`. An open
    /// round builds on the head, so it fails.
    function _rollBack(uint64 round) private {
        uint64 head = _chain.headRound;
        uint64 voided;
        do {
            voided = head;
            _rounds[voided].state = RoundState.Void;
            --_chain.unsettled;
            emit ModelVoided(voided);
            head = _rounds[voided].baseRound;
        } while (voided != round);
        _chain.headRound = head;
        uint64 current = _chain.currentRound;
        if (_rounds[current].state == RoundState.Open) _fail(current);
    }

    /// @dev Apart from `openRound`, whose stack is full.
    function _emitOpened(uint64 round, Round storage opened, uint32[] memory seated) private {
        emit RoundOpened(
            round,
            opened.baseRound,
            opened.seed,
            opened.parametersVersion,
            opened.commitEndsAt,
            opened.revealEndsAt,
            opened.checkpointEndsAt,
            opened.publishEndsAt,
            seated
        );
    }

    function _inPhase(uint64 round, Phase required) private view returns (Round storage current) {
        if (round != _chain.currentRound) revert NotCurrentRound(round, _chain.currentRound);
        current = _rounds[round];
        (Phase phase, ) = current.phaseOf(_parameters[current.parametersVersion].shards);
        if (phase != required) revert WrongPhase(uint8(phase), uint8(required));
    }

    function _inState(uint64 round, RoundState required) private view returns (Round storage found) {
        found = _rounds[round];
        if (found.state != required) revert WrongState(round, found.state, required);
    }

    function _accepted(uint64 round, uint16 shard) private view returns (CheckpointRecord storage record) {
        record = _checkpoints[round][shard];
        if (record.digest == 0 || record.voided) revert NoCheckpoint(round, shard);
    }

    function _checkCheckpoint(
        Checkpoint calldata checkpoint,
        Round storage round,
        RoundParameters storage parameters,
        CheckpointRecord storage record
    ) private view {
        if (checkpoint.shard >= parameters.shards) revert NoSuchShard(checkpoint.shard, parameters.shards);
        if (record.digest != 0) revert AlreadyCheckpointed(checkpoint.round, checkpoint.shard);
        bytes32 baseRoot = _rounds[round.baseRound].modelRoot;
        if (checkpoint.baseRoot != baseRoot) revert WrongBase(checkpoint.baseRoot, baseRoot);
        uint256 count = _bitsIn(checkpoint.included);
        if (count == 0 || checkpoint.count != count) revert WrongCount(checkpoint.count, count);
        uint256 turnBeginsAt = round.revealEndsAt + uint256(checkpoint.turn) * parameters.turnSeconds;
        if (checkpoint.turn >= parameters.seats || block.timestamp < turnBeginsAt) revert WrongTurn(checkpoint.turn);
    }

    function _bitsIn(uint256 mask) private pure returns (uint256 count) {
        for (; mask != 0; mask &= mask - 1) ++count;
    }
}
