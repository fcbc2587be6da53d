// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint, CheckpointRecord, Round, RoundParameters, RoundState} from "../interfaces/IBeacon.sol";
import {IDisputes, Opening} from "../interfaces/IDisputes.sol";
import {RevealedUpdate} from "../interfaces/IShard.sol";
import {Digest} from "../libraries/Digest.sol";

/// @notice A checkpoint that is accused at one coordinate.
struct AggregateTrial {
    Checkpoint checkpoint;
    uint32 coordinate;
    Opening aggregate;
    bytes order;
}

/// @notice A model that is accused at one coordinate.
struct ModelTrial {
    bytes32 modelRoot;
    uint32 coordinate;
    Opening model;
}

/// @title A beacon, a staking and a demands contract, that hold whatever is to be judged, many trials a call. Not part of a
/// deployment.
contract BeaconHarness {
    /// @notice As in `IBeacon`.
    uint32 public immutable quantumLength;
    /// @notice As in `IBeacon`.
    uint32 public immutable classicalLength;
    /// @notice As in `IBeacon`.
    IDisputes public disputes;
    /// @notice As in `IDemands`, of which nothing is demanded here.
    bool public immutable isPrivate;

    RoundParameters private _parameters;
    mapping(uint64 round => Round) private _rounds;
    mapping(uint16 shard => CheckpointRecord) private _records;

    constructor(uint32 quantumLength_, uint32 classicalLength_, bool isPrivate_) {
        (quantumLength, classicalLength, isPrivate) = (quantumLength_, classicalLength_, isPrivate_);
    }

    /// @notice Say who may void, and what parameters all rounds have.
    function expect(IDisputes disputes_, RoundParameters calldata parameters) external {
        (disputes, _parameters) = (disputes_, parameters);
    }

    /// @notice Have round 1 publish a model that follows from so many checkpoints, on a model under `baseRoot`.
    function publish(bytes32 baseRoot, bytes32 modelRoot, uint16 checkpoints) external {
        _rounds[0].modelRoot = baseRoot;
        (_rounds[1].state, _rounds[1].modelRoot) = (RoundState.Published, modelRoot);
        (_rounds[1].checkpoints, _rounds[1].publisher) = (checkpoints, 1);
    }

    /// @notice Take checkpoints.
    function accept(Checkpoint[] calldata checkpoints) public {
        for (uint256 i = 0; i < checkpoints.length; ++i) {
            _accept(checkpoints[i]);
        }
    }

    /// @notice Dispute each of `trials`; `openings[k]` are the updates' chunks number `k`.
    /// @return outcomes What each reverted with; empty when the fault was proven.
    function disputeAggregates(
        RoundParameters calldata parameters,
        RevealedUpdate[] calldata updates,
        Opening[][] calldata openings,
        AggregateTrial[] calldata trials
    ) external returns (bytes[] memory outcomes) {
        _parameters = parameters;
        outcomes = new bytes[](trials.length);
        for (uint256 i = 0; i < trials.length; ++i) {
            AggregateTrial calldata trial = trials[i];
            uint256 chunk = (uint256(trial.coordinate) * parameters.laneBits) / 256;
            _accept(trial.checkpoint);
            try
                disputes.disputeAggregate(
                    trial.checkpoint,
                    trial.coordinate,
                    updates,
                    0,
                    openings[chunk],
                    trial.aggregate,
                    trial.order
                )
            {
                assert(_records[trial.checkpoint.shard].voided);
            } catch (bytes memory reason) {
                outcomes[i] = reason;
            }
        }
    }

    /// @notice Dispute each of `trials` as the model of round 1, which the checkpoint carries if there is one shard;
    /// `aggregates[k]` and `base[k]` are chunks number `k`.
    /// @return outcomes What each reverted with; empty when the fault was proven.
    function disputeModels(
        RoundParameters calldata parameters,
        bytes32 baseRoot,
        Checkpoint[] calldata checkpoints,
        Opening[][] calldata aggregates,
        Opening[] calldata base,
        ModelTrial[] calldata trials
    ) external returns (bytes[] memory outcomes) {
        _parameters = parameters;
        _rounds[0].modelRoot = baseRoot;
        (_rounds[1].checkpoints, _rounds[1].publisher) = (uint16(checkpoints.length), parameters.shards == 1 ? 0 : 1);
        outcomes = new bytes[](trials.length);
        for (uint256 i = 0; i < trials.length; ++i) {
            ModelTrial calldata trial = trials[i];
            uint256 chunk = trial.coordinate / 8;
            (_rounds[1].state, _rounds[1].modelRoot) = (RoundState.Published, trial.modelRoot);
            accept(checkpoints);
            try disputes.disputeModel(1, trial.coordinate, checkpoints, aggregates[chunk], base[chunk], trial.model) {
                assert(_rounds[1].state == RoundState.Void);
                assert(_records[checkpoints[0].shard].voided == (_rounds[1].publisher == 0));
            } catch (bytes memory reason) {
                outcomes[i] = reason;
            }
        }
    }

    /// @notice As in `IBeacon`.
    function voidCheckpoint(uint64 round, uint16 shard) external {
        _records[shard].voided = true;
        voidModel(round);
    }

    /// @notice As in `IBeacon`.
    function voidModel(uint64 round) public {
        _rounds[round].state = RoundState.Void;
    }

    /// @notice As in `IStaking`; takes nothing.
    function slash(uint32[] calldata, address) external pure returns (uint256) {
        return 0;
    }

    /// @notice As in `IBeacon`.
    function checkpointAt(uint64, uint16 shard) external view returns (CheckpointRecord memory) {
        return _records[shard];
    }

    /// @notice As in `IBeacon`.
    function checkpointDigest(Checkpoint calldata checkpoint) external view returns (bytes32) {
        return Digest.checkpoint(checkpoint);
    }

    /// @notice As in `IBeacon`.
    function roundAt(uint64 round) external view returns (Round memory) {
        return _rounds[round];
    }

    /// @notice As in `IBeacon`; all rounds have the same.
    function parametersOf(uint64) external view returns (RoundParameters memory) {
        return _parameters;
    }

    /// @notice As in `IBeacon`; all versions are the same.
    function parametersAt(uint16) external view returns (RoundParameters memory) {
        return _parameters;
    }

    /// @notice As in `IBeacon`.
    function parametersVersion() external pure returns (uint16) {
        return 1;
    }

    /// @notice As in `IStaking`; longer than any round.
    function unbondingSeconds() external pure returns (uint32) {
        return type(uint32).max;
    }

    /// @notice As in `IDemands`.
    function answerSeconds() external pure returns (uint32) {
        return 1;
    }

    /// @notice As in `IBeacon`; nobody sits here.
    function committee(uint64, uint16) external pure returns (uint32[] memory) {
        return new uint32[](0);
    }

    function _accept(Checkpoint calldata checkpoint) private {
        CheckpointRecord storage record = _records[checkpoint.shard];
        (record.digest, record.voided) = (Digest.checkpoint(checkpoint), false);
    }
}
