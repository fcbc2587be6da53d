// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {
    NoCheckpoint,
    NoSuchSeat,
    NoSuchShard,
    NotCurrentRound,
    NotValidator,
    WrongBase,
    WrongCount,
    WrongPhase
} from "./interfaces/Errors.sol";
import {
    Checkpoint,
    CheckpointRecord,
    IBeacon,
    IBeaconView,
    ModelGenesis,
    Phase,
    RewardTerms,
    Round,
    RoundContext,
    RoundParameters,
    RoundState
} from "./interfaces/IBeacon.sol";
import {IDemands} from "./interfaces/IDemands.sol";
import {IDisputes} from "./interfaces/IDisputes.sol";
import {IDraw} from "./interfaces/IDraw.sol";
import {IQuorum, Turn} from "./interfaces/IQuorum.sol";
import {IStaking, LmsKey, Participant, Role} from "./interfaces/IStaking.sol";
import {Bits} from "./libraries/Bits.sol";
import {Digest} from "./libraries/Digest.sol";
import {Quorum} from "./libraries/Quorum.sol";
import {Rounds, StoredRound} from "./libraries/Rounds.sol";

/// @title Rounds, committees, checkpoints, the chain of models and its finality.
/// @dev Models form one chain: a round's base is the head when it opens, and nothing but its own publication, or a
/// rollback that fails it, moves the head before it is over. So every published model lies between the head and the
/// last final one, and at most `MAX_UNSETTLED` of them are there to roll back.
contract Beacon is IBeacon, Ownable {
    using Rounds for StoredRound;

    /// @dev One slot. `unsettled` counts the published models that are not final.
    struct Chain {
        uint64 currentRound;
        uint64 headRound;
        uint64 finalRound;
        uint16 parametersVersion;
        uint16 unsettled;
    }

    /// @dev Models that may wait for finality at once: bounds a rollback's gas.
    uint16 private constant MAX_UNSETTLED = 32;

    /// @inheritdoc IBeacon
    IStaking public immutable staking;
    /// @inheritdoc IBeacon
    IDraw public immutable draw;
    /// @inheritdoc IBeacon
    IQuorum public immutable quorum;
    /// @inheritdoc IBeacon
    address public immutable disputes;
    /// @inheritdoc IBeacon
    bytes32 public immutable architectureDigest;
    /// @inheritdoc IBeacon
    uint32 public immutable quantumLength;
    /// @inheritdoc IBeacon
    uint32 public immutable classicalLength;
    uint96 private immutable _leastClientStakeWei;

    Chain private _chain;
    mapping(uint64 round => StoredRound) private _rounds;
    mapping(uint16 version => RoundParameters) private _parameters;
    mapping(uint16 version => bytes32) private _parametersHashes;
    mapping(uint64 round => mapping(uint16 shard => CheckpointRecord)) private _checkpoints;

    constructor(
        IStaking staking_,
        IQuorum quorum_,
        ModelGenesis memory genesis,
        RoundParameters memory parameters,
        IDraw draw_,
        address disputes_,
        address owner_
    ) Ownable(owner_) {
        (staking, quorum, draw, disputes) = (staking_, quorum_, draw_, disputes_);
        architectureDigest = genesis.architectureDigest;
        (quantumLength, classicalLength) = (genesis.quantumLength, genesis.classicalLength);
        _leastClientStakeWei = staking_.minClientStakeWei() / 2;

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
        (Phase phase, uint40 endsAt, ) = last.phaseOf(_parameters[last.parametersVersion]);
        if (phase != Phase.Idle) revert RoundInProgress(previous, endsAt);
        round = previous + 1;
        if (_chain.unsettled >= MAX_UNSETTLED) revert TooManyUnsettled(_chain.finalRound, round);

        uint16 version = _chain.parametersVersion;
        RoundParameters storage parameters = _parameters[version];
        bytes32 seed = draw.open(round, parameters.shards, parameters.seats);

        if (last.state == RoundState.Open) _fail(previous);
        _chain.currentRound = round;
        StoredRound storage opened = _rounds[round];
        opened.seed = seed;
        opened.baseRound = uint48(_chain.headRound);
        opened.parametersVersion = version;
        opened.state = RoundState.Open;
        opened.openedAt = uint40(block.timestamp);
        opened.clients = uint24(staking.activeClients());
        opened.participants = staking.participantCount();
        _emitOpened(round, opened, parameters);
    }

    /// @inheritdoc IBeacon
    function submitCheckpoint(Checkpoint calldata checkpoint, bytes calldata bundle) external {
        (StoredRound storage round, RoundParameters storage parameters) = _inPhase(checkpoint.round, Phase.Checkpoint);
        CheckpointRecord storage record = _checkpoints[checkpoint.round][checkpoint.shard];
        Turn memory turn = turnAt(checkpoint.round, checkpoint.turn);
        _checkCheckpoint(checkpoint, round, parameters, record, turn.beganAt);

        bytes32 digest = Digest.checkpoint(checkpoint);
        uint64 attested = _attestedBy(checkpoint, turn, digest, bundle);

        record.digest = digest;
        record.attested = attested;
        record.acceptedAt = uint40(block.timestamp);
        record.count = checkpoint.count;
        record.turn = turn.number;
        ++round.checkpoints;
        round.reachedAt = uint40(block.timestamp);
        emit CheckpointAccepted(checkpoint.round, checkpoint.shard, digest, attested, checkpoint);
        // Only where there is one shard: `_checkCheckpoint`.
        if (checkpoint.modelRoot != 0) _setModel(checkpoint.round, 0, checkpoint.modelRoot, checkpoint.modelDigest);
        else round.checkpointsHash = keccak256(abi.encode(round.checkpointsHash, digest));
    }

    /// @inheritdoc IBeacon
    function addAttestation(
        uint64 round,
        uint16 shard,
        uint8 seat,
        uint32 keyIndex,
        bytes calldata signature
    ) external {
        CheckpointRecord storage record = _liable(round, shard);
        uint32[] memory seated = committee(round, shard);
        if (seat >= seated.length) revert NoSuchSeat(seat, seated.length);
        uint64 bit = uint64(1) << seat;
        if (record.attested & bit != 0) revert AlreadyAttested(round, shard, seat);
        Turn memory turn = turnAt(round, record.turn);
        quorum.requireAttested(seated[seat], seat, keyIndex, record.digest, turn, signature);

        record.attested |= bit;
        emit AttestationAdded(round, shard, seated[seat], seat);
    }

    /// @inheritdoc IBeacon
    function publish(
        uint64 round,
        uint32 validator,
        bytes32 modelRoot,
        bytes32 contentDigest,
        bytes32 scoresDigest,
        bytes calldata signature
    ) external {
        if (scoresDigest != 0) revert UnexpectedScores(scoresDigest);
        (StoredRound storage published, ) = _inPhase(round, Phase.Publish);
        if (draw.standingOf(validator).weightWei == 0) revert NotValidator(validator);
        (uint32 publisher, ) = draw.publisherOf(round);
        if (validator != publisher) revert NotYourSlot(validator, publisher);
        bytes32 digest = Digest.publication(
            round,
            validator,
            modelRoot,
            contentDigest,
            scoresDigest,
            published.checkpointsHash
        );
        staking.authorize(validator, digest, signature);

        _setModel(round, validator, modelRoot, contentDigest);
    }

    /// @inheritdoc IBeacon
    function settle(uint64 round) external {
        StoredRound storage settled = _inState(round, RoundState.Published);
        uint256 finalAt = uint256(settled.reachedAt) + _parameters[settled.parametersVersion].challengeSeconds;
        uint256 heldUntil = disputes.code.length == 0 ? 0 : _demands().heldUntil(round);
        if (heldUntil > finalAt) finalAt = heldUntil;
        if (block.timestamp < finalAt) revert StillChallengeable(round, finalAt);
        uint64 baseRound = settled.baseRound;
        if (_rounds[baseRound].state != RoundState.Final) revert BaseNotFinal(round, baseRound);

        settled.state = RoundState.Final;
        _chain.finalRound = round;
        --_chain.unsettled;
        emit ModelFinalized(round);
    }

    // --- faults ----------------------------------------------------------------------------------------------

    /// @inheritdoc IBeacon
    function voidCheckpoint(uint64 round, uint16 shard) external onlyDisputes {
        _liable(round, shard).voided = true;
        RoundState state = _rounds[round].state;
        emit CheckpointVoided(round, shard);
        if (state == RoundState.Open) _fail(round);
        if (state == RoundState.Published) _rollBack(round);
    }

    /// @inheritdoc IBeacon
    function voidModel(uint64 round) external onlyDisputes {
        _inState(round, RoundState.Published);
        _rollBack(round);
    }

    // --- for shards ------------------------------------------------------------------------------------------

    /// @inheritdoc IBeaconView
    function context() external view returns (RoundContext memory now_) {
        now_.round = _chain.currentRound;
        StoredRound storage current = _rounds[now_.round];
        RoundParameters storage parameters = _parameters[current.parametersVersion];
        now_.turnSeconds = parameters.turnSeconds;
        now_.shards = parameters.shards;
        now_.seats = parameters.seats;
        now_.laneBits = parameters.laneBits;
        now_.normBound = parameters.normBound;
        (now_.phase, now_.phaseEndsAt, now_.revealEndsAt) = current.phaseOf(parameters);
        now_.baseRoot = _rounds[current.baseRound].modelRoot;
    }

    /// @inheritdoc IBeaconView
    function client(uint32 id) external view returns (bool active, uint16 shard, bool drawn, LmsKey memory key) {
        Participant memory member = staking.participant(id);
        active = member.role == Role.Client && member.exitableAt == 0 && member.stakeWei >= _leastClientStakeWei;
        (shard, drawn) = placeOf(_chain.currentRound, id);
        key = LmsKey({identifier: member.identifier, root: member.root, height: member.height});
    }

    /// @inheritdoc IBeaconView
    function committee(uint64 round, uint16 shard) public view returns (uint32[] memory) {
        return draw.committee(round, shard);
    }

    // --- for participants ------------------------------------------------------------------------------------

    /// @inheritdoc IBeaconView
    function placeOf(uint64 round, uint32 clientId) public view returns (uint16 shard, bool drawn) {
        StoredRound storage asked = _rounds[round];
        if (asked.state == RoundState.None) revert WrongState(round, RoundState.None, RoundState.Open);
        (shard, drawn) = Rounds.placeOf(
            asked.seed,
            clientId,
            _parameters[asked.parametersVersion].shards,
            asked.clients
        );
        drawn = drawn && clientId <= asked.participants;
    }

    /// @inheritdoc IBeacon
    function turnAt(uint64 round, uint8 number) public view returns (Turn memory) {
        StoredRound storage asked = _rounds[round];
        uint40 beganAt = asked.turnBeginsAt(_parameters[asked.parametersVersion], number);
        if (asked.state != RoundState.Open && asked.reachedAt < beganAt) revert WrongTurn(number);
        return Turn({round: round, number: number, beganAt: beganAt});
    }

    /// @inheritdoc IBeacon
    function checkpointDigest(Checkpoint calldata checkpoint) external view returns (bytes32) {
        return Digest.checkpoint(checkpoint);
    }

    // --- what is stored --------------------------------------------------------------------------------------

    /// @inheritdoc IBeacon
    function roundAt(uint64 round) external view returns (Round memory) {
        StoredRound storage stored = _rounds[round];
        return stored.describe(_parameters[stored.parametersVersion]);
    }

    /// @inheritdoc IBeacon
    function currentRound() external view returns (uint64) {
        return _chain.currentRound;
    }

    /// @inheritdoc IBeacon
    function headRound() external view returns (uint64) {
        return _chain.headRound;
    }

    /// @inheritdoc IBeacon
    function finalRound() external view returns (uint64) {
        return _chain.finalRound;
    }

    /// @inheritdoc IBeacon
    function parametersAt(uint16 version) external view returns (RoundParameters memory) {
        return _parameters[version];
    }

    /// @inheritdoc IBeacon
    function parametersOf(uint64 round) external view returns (RoundParameters memory) {
        return _parameters[_rounds[round].parametersVersion];
    }

    /// @inheritdoc IBeacon
    function parametersVersion() external view returns (uint16) {
        return _chain.parametersVersion;
    }

    /// @inheritdoc IBeacon
    function rewardTermsOf(uint64 round) external view returns (RewardTerms memory terms) {
        StoredRound storage asked = _rounds[round];
        RoundParameters storage parameters = _parameters[asked.parametersVersion];
        terms.isFinal = asked.state == RoundState.Final;
        terms.publisher = asked.publisher;
        terms.updateRewardGwei = parameters.updateRewardGwei;
        terms.seatRewardGwei = parameters.seatRewardGwei;
        terms.publisherRewardGwei = parameters.publisherRewardGwei;
    }

    /// @inheritdoc IBeacon
    function checkpointAt(uint64 round, uint16 shard) external view returns (CheckpointRecord memory) {
        return _checkpoints[round][shard];
    }

    // --- inside ----------------------------------------------------------------------------------------------

    function _setParameters(RoundParameters memory parameters) private {
        (uint256 answerSeconds, bool isPrivate) = (0, false);
        // The disputes contract is deployed after this one, and checks the first parameters itself.
        if (disputes.code.length != 0) {
            IDemands demands = _demands();
            (answerSeconds, isPrivate) = (demands.answerSeconds(), demands.isPrivate());
        }
        Rounds.check(parameters, staking.unbondingSeconds(), answerSeconds, isPrivate);
        quorum.requireTime(parameters.turnSeconds, parameters.checkpointSeconds);
        uint16 version = ++_chain.parametersVersion;
        _parameters[version] = parameters;
        _parametersHashes[version] = keccak256(abi.encode(parameters));
        emit ParametersSet(version, parameters);
    }

    /// @dev `publisher` is zero where the round's checkpoint carried the model.
    function _setModel(uint64 round, uint32 publisher, bytes32 modelRoot, bytes32 contentDigest) private {
        StoredRound storage published = _rounds[round];
        published.state = RoundState.Published;
        published.publisher = publisher;
        published.reachedAt = uint40(block.timestamp);
        published.modelRoot = modelRoot;
        published.contentDigest = contentDigest;
        _chain.headRound = round;
        ++_chain.unsettled;
        emit ModelPublished(round, publisher, modelRoot, contentDigest);
    }

    function _fail(uint64 round) private {
        _rounds[round].state = RoundState.Failed;
        _rounds[round].reachedAt = uint40(block.timestamp);
        emit RoundFailed(round);
    }

    /// @dev Voids the models from the head down to `round`, which is on that chain because it is `Published`. An open
    /// round builds on the head, so it fails.
    function _rollBack(uint64 round) private {
        uint64 head = _chain.headRound;
        uint64 voided;
        do {
            voided = head;
            StoredRound storage fallen = _rounds[voided];
            fallen.state = RoundState.Void;
            --_chain.unsettled;
            emit ModelVoided(voided);
            head = fallen.baseRound;
        } while (voided != round);
        _chain.headRound = head;
        uint64 current = _chain.currentRound;
        if (_rounds[current].state == RoundState.Open) _fail(current);
    }

    /// @dev Apart from `openRound`, whose stack is full.
    function _emitOpened(uint64 round, StoredRound storage opened, RoundParameters storage parameters) private {
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
            publishEndsAt
        );
    }

    function _demands() private view returns (IDemands) {
        return IDisputes(disputes).demands();
    }

    function _inPhase(
        uint64 round,
        Phase required
    ) private view returns (StoredRound storage current, RoundParameters storage parameters) {
        if (round != _chain.currentRound) revert NotCurrentRound(round, _chain.currentRound);
        current = _rounds[round];
        parameters = _parameters[current.parametersVersion];
        (Phase phase, , ) = current.phaseOf(parameters);
        if (phase != required) revert WrongPhase(uint8(phase), uint8(required));
    }

    function _inState(uint64 round, RoundState required) private view returns (StoredRound storage found) {
        found = _rounds[round];
        if (found.state != required) revert WrongState(round, found.state, required);
    }

    /// @dev An accepted checkpoint that can still be voided.
    function _liable(uint64 round, uint16 shard) private view returns (CheckpointRecord storage record) {
        record = _checkpoints[round][shard];
        if (record.digest == 0 || record.voided) revert NoCheckpoint(round, shard);
        RoundState state = _rounds[round].state;
        if (state == RoundState.Final) revert WrongState(round, state, RoundState.Published);
    }

    function _checkCheckpoint(
        Checkpoint calldata checkpoint,
        StoredRound storage round,
        RoundParameters storage parameters,
        CheckpointRecord storage record,
        uint40 turnBeganAt
    ) private view {
        if (checkpoint.shard >= parameters.shards) revert NoSuchShard(checkpoint.shard, parameters.shards);
        if (record.digest != 0) revert AlreadyCheckpointed(checkpoint.round, checkpoint.shard);
        bytes32 baseRoot = _rounds[round.baseRound].modelRoot;
        if (checkpoint.baseRoot != baseRoot) revert WrongBase(checkpoint.baseRoot, baseRoot);
        bytes32 parametersHash = _parametersHashes[round.parametersVersion];
        if (checkpoint.parametersHash != parametersHash) revert WrongParameters(parametersHash);
        uint256 count = Bits.count(checkpoint.included);
        if (count == 0 || checkpoint.count != count) revert WrongCount("included", checkpoint.count, count);
        bool hasModel = checkpoint.modelRoot != 0;
        if (hasModel != (parameters.shards == 1) || hasModel != (checkpoint.modelDigest != 0))
            revert WrongModel(hasModel);
        if (checkpoint.turn >= parameters.seats || block.timestamp < turnBeganAt) revert WrongTurn(checkpoint.turn);
        IDisputes(disputes).requireReveals(checkpoint.round, checkpoint.shard, checkpoint.revealsHash);
    }

    /// @dev The seats that attested; reverts unless they speak for the committee.
    function _attestedBy(
        Checkpoint calldata checkpoint,
        Turn memory turn,
        bytes32 digest,
        bytes calldata bundle
    ) private returns (uint64 attested) {
        uint32[] memory seated = committee(checkpoint.round, checkpoint.shard);
        attested = quorum.verify(digest, turn, seated, bundle);
        Quorum.check(attested, seated.length);
    }
}
