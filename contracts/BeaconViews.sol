// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    Checkpoint,
    CheckpointRecord,
    IBeacon,
    ModelGenesis,
    RewardTerms,
    Round,
    RoundParameters,
    RoundState,
    ValidatorDuty
} from "./interfaces/IBeacon.sol";
import {IBeaconView, Phase, RoundContext} from "./interfaces/IBeaconView.sol";
import {IQuorum} from "./interfaces/IQuorum.sol";
import {IStaking, LmsKey, Participant, Role} from "./interfaces/IStaking.sol";
import {Digest} from "./libraries/Digest.sol";
import {Rounds, StoredRound} from "./libraries/Rounds.sol";
import {Seats} from "./libraries/Seats.sol";

/// @title What the beacon stores, and everything it can be asked. `Beacon` is what changes it.
abstract contract BeaconViews is IBeacon {
    using Rounds for StoredRound;
    using Seats for Seats.List;

    /// @dev One slot. `unsettled` counts the published models that are not final.
    struct Chain {
        uint64 currentRound;
        uint64 headRound;
        uint64 finalRound;
        uint16 parametersVersion;
        uint16 unsettled;
    }

    /// @inheritdoc IBeacon
    IStaking public immutable staking;
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
    uint96 private immutable _minClientStakeWei;
    uint96 private immutable _minValidatorStakeWei;

    Chain internal _chain;
    mapping(uint64 round => StoredRound) internal _rounds;
    mapping(uint16 version => RoundParameters) internal _parameters;
    /// @dev A round's seats, shard by shard.
    mapping(uint64 round => Seats.List) internal _seats;
    mapping(uint64 round => mapping(uint16 shard => CheckpointRecord)) internal _checkpoints;

    constructor(IStaking staking_, IQuorum quorum_, ModelGenesis memory genesis, address disputes_) {
        (staking, quorum, disputes) = (staking_, quorum_, disputes_);
        architectureDigest = genesis.architectureDigest;
        (quantumLength, classicalLength) = (genesis.quantumLength, genesis.classicalLength);
        _minClientStakeWei = staking_.minClientStakeWei();
        _minValidatorStakeWei = staking_.minValidatorStakeWei();
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
        (now_.phase, now_.phaseEndsAt) = current.phaseOf(parameters);
        if (now_.round != 0) now_.revealEndsAt = current.revealEndsAt(parameters);
        now_.baseRoot = _rounds[current.baseRound].modelRoot;
    }

    /// @inheritdoc IBeaconView
    function client(uint32 id) external view returns (bool active, uint16 shard, LmsKey memory key) {
        Participant memory member = staking.participant(id);
        active = member.role == Role.Client && member.exitableAt == 0 && member.stakeWei >= _minClientStakeWei;
        shard = shardOf(_chain.currentRound, id);
        key = LmsKey({identifier: member.identifier, root: member.root, height: member.height});
    }

    /// @inheritdoc IBeaconView
    function committee(uint64 round, uint16 shard) external view returns (uint32[] memory) {
        RoundParameters storage parameters = _parameters[_rounds[round].parametersVersion];
        if (shard >= parameters.shards) revert NoSuchShard(shard, parameters.shards);
        return _committee(round, shard, parameters.seats);
    }

    // --- for participants ------------------------------------------------------------------------------------

    /// @inheritdoc IBeacon
    function shardOf(uint64 round, uint32 clientId) public view returns (uint16) {
        StoredRound storage asked = _rounds[round];
        if (asked.state == RoundState.None) revert WrongState(round, RoundState.None, RoundState.Open);
        uint16 shards = _parameters[asked.parametersVersion].shards;
        return uint16(uint256(keccak256(abi.encode(asked.seed, clientId))) % shards);
    }

    /// @inheritdoc IBeacon
    function validatorDuty(
        uint32 id
    ) external view returns (ValidatorDuty duty, uint64 round, uint16 shard, uint8 seat, uint40 deadline) {
        round = _chain.currentRound;
        StoredRound storage current = _rounds[round];
        RoundParameters storage parameters = _parameters[current.parametersVersion];
        Phase phase;
        (phase, deadline) = current.phaseOf(parameters);
        bool isSeated;
        if (phase == Phase.Checkpoint) {
            (isSeated, shard, seat) = _openSeatOf(id, round, parameters.shards, parameters.seats);
        }
        if (isSeated) duty = ValidatorDuty.Verify;
        else if (!_isActiveValidator(id)) duty = ValidatorDuty.NotActive;
        else if (phase == Phase.Idle) duty = ValidatorDuty.OpenRound;
        else if (phase == Phase.Publish) duty = ValidatorDuty.Publish;
        else duty = ValidatorDuty.Wait;
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

    function _committee(uint64 round, uint16 shard, uint256 seats) internal view returns (uint32[] memory) {
        return _seats[round].read(shard * seats, seats);
    }

    /// @dev No more than one seat: a round's seats are drawn without replacement over all shards.
    function _openSeatOf(
        uint32 id,
        uint64 round,
        uint16 shards,
        uint8 seats
    ) internal view returns (bool isSeated, uint16 shard, uint8 seat) {
        uint32[] memory seated = _seats[round].read(0, uint256(shards) * seats);
        for (uint256 i = 0; i < seated.length; ++i) {
            if (seated[i] != id) continue;
            (shard, seat) = (uint16(i / seats), uint8(i % seats));
            if (_checkpoints[round][shard].digest == 0) return (true, shard, seat);
            return (false, 0, 0);
        }
    }

    /// @dev A validator whose stake was slashed below the minimum keeps its seats, but takes on nothing new.
    function _isActiveValidator(uint32 id) internal view returns (bool) {
        Participant memory member = staking.participant(id);
        return member.role == Role.Validator && member.exitableAt == 0 && member.stakeWei >= _minValidatorStakeWei;
    }
}
