// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {
    Checkpoint,
    CheckpointRecord,
    IBeacon,
    ModelGenesis,
    RoundParameters,
    RoundState
} from "./interfaces/IBeacon.sol";
import {Phase} from "./interfaces/IBeaconView.sol";
import {IQuorum} from "./interfaces/IQuorum.sol";
import {IStaking} from "./interfaces/IStaking.sol";
import {BeaconViews} from "./BeaconViews.sol";
import {Bits} from "./libraries/Bits.sol";
import {Digest} from "./libraries/Digest.sol";
import {Rounds, StoredRound} from "./libraries/Rounds.sol";
import {Seats} from "./libraries/Seats.sol";

/// @title Rounds, committees, checkpoints, the chain of models and its finality.
/// @dev Models form one chain: a round's base is the head when it opens, and nothing but its own publication, or a
/// rollback that fails it, moves the head before it is over. So every published model lies between the head and the
/// last final one, and at most `MAX_UNSETTLED` of them are there to roll back.
/// @dev Warning: who opens a round chooses the block, and with it one `prevrandao`. Stakes may move in that block too,
/// but move the draw by no more than what is added or taken out.
contract Beacon is BeaconViews, Ownable {
    using Rounds for StoredRound;
    using Seats for Seats.List;

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
        StoredRound storage zero = _rounds[0];
        zero.parametersVersion = 1;
        zero.state = RoundState.Final;
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
        StoredRound storage last = _rounds[previous];
        (Phase phase, uint40 endsAt) = last.phaseOf(_parameters[last.parametersVersion]);
        if (phase != Phase.Idle) revert RoundInProgress(previous, endsAt);
        round = previous + 1;
        if (_chain.unsettled >= MAX_UNSETTLED) revert TooManyUnsettled(_chain.finalRound, round);

        uint16 version = _chain.parametersVersion;
        RoundParameters storage parameters = _parameters[version];
        bytes32 seed = keccak256(abi.encode(last.seed, block.prevrandao, round));
        uint32[] memory seated = staking.draw(seed, uint256(parameters.shards) * parameters.seats);

        if (last.state == RoundState.Open) _fail(previous);
        _chain.currentRound = round;
        _seats[round].write(seated);
        StoredRound storage opened = _rounds[round];
        opened.seed = seed;
        opened.baseRound = _chain.headRound;
        opened.parametersVersion = version;
        opened.state = RoundState.Open;
        opened.openedAt = uint40(block.timestamp);
        _emitOpened(round, opened, parameters, seated);
    }

    /// @inheritdoc IBeacon
    function submitCheckpoint(Checkpoint calldata checkpoint, bytes calldata bundle) external {
        (StoredRound storage round, RoundParameters storage parameters) = _inPhase(checkpoint.round, Phase.Checkpoint);
        CheckpointRecord storage record = _checkpoints[checkpoint.round][checkpoint.shard];
        _checkCheckpoint(checkpoint, round, parameters, record);

        bytes32 digest = Digest.checkpoint(checkpoint);
        uint32[] memory seated = _committee(checkpoint.round, checkpoint.shard, parameters.seats);
        uint64 attested = _attestersOf(digest, seated, bundle);

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
        (StoredRound storage published, ) = _inPhase(round, Phase.Publish);
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
        StoredRound storage settled = _inState(round, RoundState.Published);
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
    function _emitOpened(
        uint64 round,
        StoredRound storage opened,
        RoundParameters storage parameters,
        uint32[] memory seated
    ) private {
        (uint40 commitEndsAt, uint40 revealEndsAt, uint40 checkpointEndsAt, uint40 publishEndsAt) = Rounds.deadlines(
            opened.openedAt,
            parameters
        );
        emit RoundOpened(
            round,
            opened.baseRound,
            opened.seed,
            opened.parametersVersion,
            commitEndsAt,
            revealEndsAt,
            checkpointEndsAt,
            publishEndsAt,
            seated
        );
    }

    function _inPhase(
        uint64 round,
        Phase required
    ) private view returns (StoredRound storage current, RoundParameters storage parameters) {
        if (round != _chain.currentRound) revert NotCurrentRound(round, _chain.currentRound);
        current = _rounds[round];
        parameters = _parameters[current.parametersVersion];
        (Phase phase, ) = current.phaseOf(parameters);
        if (phase != required) revert WrongPhase(uint8(phase), uint8(required));
    }

    function _inState(uint64 round, RoundState required) private view returns (StoredRound storage found) {
        found = _rounds[round];
        if (found.state != required) revert WrongState(round, found.state, required);
    }

    function _accepted(uint64 round, uint16 shard) private view returns (CheckpointRecord storage record) {
        record = _checkpoints[round][shard];
        if (record.digest == 0 || record.voided) revert NoCheckpoint(round, shard);
    }

    /// @dev The seats that signed `digest`: two thirds of the committee, or more.
    function _attestersOf(
        bytes32 digest,
        uint32[] memory committee,
        bytes calldata bundle
    ) private view returns (uint64 attested) {
        attested = quorum.verify(digest, committee, bundle);
        uint256 signed = Bits.count(attested);
        uint256 required = (2 * committee.length + 2) / 3;
        if (signed < required) revert NoQuorum(signed, required);
    }

    function _checkCheckpoint(
        Checkpoint calldata checkpoint,
        StoredRound storage round,
        RoundParameters storage parameters,
        CheckpointRecord storage record
    ) private view {
        if (checkpoint.shard >= parameters.shards) revert NoSuchShard(checkpoint.shard, parameters.shards);
        if (record.digest != 0) revert AlreadyCheckpointed(checkpoint.round, checkpoint.shard);
        bytes32 baseRoot = _rounds[round.baseRound].modelRoot;
        if (checkpoint.baseRoot != baseRoot) revert WrongBase(checkpoint.baseRoot, baseRoot);
        uint256 count = Bits.count(checkpoint.included);
        if (count == 0 || checkpoint.count != count) revert WrongCount(checkpoint.count, count);
        uint256 turnBeginsAt = round.revealEndsAt(parameters) + uint256(checkpoint.turn) * parameters.turnSeconds;
        if (checkpoint.turn >= parameters.seats || block.timestamp < turnBeginsAt) revert WrongTurn(checkpoint.turn);
    }
}
