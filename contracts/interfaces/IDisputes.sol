// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint, IBeacon} from "./IBeacon.sol";
import {IDemands, Part} from "./IDemands.sol";
import {IShard, RevealedUpdate} from "./IShard.sol";
import {IStaking} from "./IStaking.sol";

/// @notice What was proven.
/// @dev `Aggregate`: a shard's aggregate is not the rule's. `Updates`: a checkpoint includes what nobody revealed.
/// `Norm`: an included update is over the norm bound. `Model`: a published model is not the rule's.
/// `Equivocation`: a seat signed two checkpoints for one turn. `Withheld`: nobody showed in time what was demanded.
/// `Mirror`: a seat signed a false message for its shard's mirror.
enum Fault {
    Aggregate,
    Updates,
    Norm,
    Model,
    Equivocation,
    Withheld,
    Mirror
}

/// @notice One chunk of a vector, and why it is part of it.
/// @param data The chunk: 32 bytes of lanes.
/// @param salt The leaf's salt, in an update of the private mode; zero elsewhere.
/// @param path The leaf's siblings, from the leaf up.
struct Opening {
    bytes32 data;
    bytes32 salt;
    bytes32[] path;
}

/// @title Proofs of faults, each recomputed here from what was signed.
/// @notice A proof against a checkpoint voids it and slashes every seat that attested it; one against a model voids it,
/// and what builds on it, and slashes its publisher. A checkpoint can be disputed until its round is final, a model
/// while it can be settled. Who proves a fault is paid by `Staking`; who is wrong learns why from the error, and the
/// accused loses nothing. Who has left already cannot be slashed, and shields nobody else. What a proof takes and cannot
/// be had is demanded first, see `IDemands`.
/// @dev A fault is punished once: a voided checkpoint or model cannot be voided again.
/// @dev Warning: a proof is public before it is mined, and the bounty goes to whoever's is first. It is paid to the caller
/// and nobody else, so that no refusal stops a verdict; so that of a withheld part goes to whoever says first that its
/// time is over.
/// @dev A deployment is refused whose models have over 24,576 coordinates: then every proof and every answer fits into 2^24
/// gas and 100 KiB. Two proofs may take more than one transaction: `openLanes` and `sumAggregates` keep what they have shown.
/// @dev Assumes of the vectors it judges what the roots say: an update over other lanes than its content is for the
/// committee not to include.
interface IDisputes {
    /// @notice A fault was proven, its result voided, and who was guilty slashed.
    /// @param shard The shard; 0 for a model.
    /// @param takenWei What the guilty lost together.
    event FaultProven(
        Fault indexed fault,
        uint64 indexed round,
        uint16 indexed shard,
        address challenger,
        uint32[] guilty,
        uint256 takenWei
    );

    /// @notice Thrown when the beacon expects its disputes contract at another address.
    error NotExpected(address here, address expected);
    /// @notice Thrown when a shard has a verifier of norm proofs and the deployment is said to be transparent, or the
    /// other way round.
    error WrongMode(uint16 shard, bool isPrivate);
    /// @notice Thrown when checkpoint `index` is of another round, or its shard is not above the one before.
    error WrongCheckpoint(uint256 index);
    /// @notice Thrown when the models have no such coordinate.
    error NoSuchCoordinate(uint32 coordinate, uint256 coordinates);
    /// @notice Thrown when the shard is on another chain: what was revealed there cannot be seen from here.
    error ShardElsewhere(uint16 shard);
    /// @notice Thrown when the shard's reveals are others, or in another order, than those that a checkpoint is of: the chain
    /// was reorganized since it was signed. That is nobody's fault.
    error WrongReveals(bytes32 named, bytes32 expected);
    /// @notice Thrown when the client did not reveal this update as number `index`.
    error NotRevealed(uint32 client, uint256 index);
    /// @notice Thrown when this coordinate of the aggregate is what the rule gives.
    error AggregateIsRight(uint32 coordinate, int32 value);
    /// @notice Thrown when this coordinate of the model is what the rule gives.
    error ModelIsRight(uint32 coordinate, int32 value);
    /// @notice Thrown when the whole vector is what the content digest says.
    error ContentIsRight(bytes32 contentDigest);
    /// @notice Thrown when the checkpoint includes exactly the revealed updates that it says.
    error UpdatesAreRight(bytes32 updatesRoot);
    /// @notice Thrown when the update's squared norm is within the bound.
    error WithinNorm(uint256 squaredNorm, uint256 bound);
    /// @notice Thrown when two checkpoints are equal, or of different rounds, shards or turns.
    error NotEquivocation();
    /// @notice Thrown when the caller is not the contract that judges what mirrors were told.
    error NotMirrorFaults(address caller);
    /// @notice Thrown when the part was not demanded, or was answered, or can be answered yet.
    error NotOverdue();

    /// @notice Reverts unless `revealsHash` is `IShard.revealsHash` of a round, where the shard is on this chain. Of a shard
    /// on a chain of its own nothing can be said here.
    /// @dev For the beacon, before it accepts a checkpoint.
    function requireReveals(uint64 round, uint16 shard, bytes32 revealsHash) external view;

    /// @notice Prove that one coordinate of a shard's aggregate is wrong.
    /// @param checkpoint The accepted checkpoint.
    /// @param coordinate The wrong one.
    /// @param updates All included updates, in the checkpoint's order.
    /// @param first The position of the first update that is opened here: 0, unless others were opened before.
    /// @param openings The chunk that has the coordinate, of each update from `first` on that `openLanes` has not kept.
    /// @param aggregate The chunk that has the coordinate, of the aggregate.
    /// @param order The positions of all updates, a byte each, by rising lane at the coordinate; equal lanes may stand either
    /// way. Not read where nothing is trimmed.
    function disputeAggregate(
        Checkpoint calldata checkpoint,
        uint32 coordinate,
        RevealedUpdate[] calldata updates,
        uint16 first,
        Opening[] calldata openings,
        Opening calldata aggregate,
        bytes calldata order
    ) external;

    /// @notice Keep the lanes of some updates at a coordinate for `disputeAggregate`, where all openings are too much for one
    /// transaction. Anyone may go on where another stopped: what is kept follows from what the checkpoint includes.
    /// @param updates All included updates, in the checkpoint's order.
    /// @param first The position of the first update that is opened here.
    /// @param openings The chunk that has the coordinate, of updates `first`, `first + 1`, and so on.
    function openLanes(
        Checkpoint calldata checkpoint,
        uint32 coordinate,
        RevealedUpdate[] calldata updates,
        uint16 first,
        Opening[] calldata openings
    ) external;

    /// @notice Prove that an aggregate's content is not what was attested: its object has another digest, or there is
    /// something behind its last lane.
    /// @param chunks All chunks of the aggregate.
    function disputeAggregateContent(Checkpoint calldata checkpoint, bytes32[] calldata chunks) external;

    /// @notice Prove that a checkpoint's `updatesRoot` is not of the revealed updates that `included` names. Only where
    /// the shard is on this chain.
    /// @param updates What was revealed under the numbers in `included`, in that order; none where `included` names a
    /// number that no reveal has.
    function disputeUpdates(Checkpoint calldata checkpoint, RevealedUpdate[] calldata updates) external;

    /// @notice Prove that an included update is over the norm bound.
    /// @param position The update's place among the included ones.
    /// @param update The update, and `path` from it to the checkpoint's `updatesRoot`.
    /// @param chunks All of the update's chunks.
    /// @param seed In the private mode the seed of its salts; zero in the transparent one.
    function disputeNorm(
        Checkpoint calldata checkpoint,
        uint16 position,
        RevealedUpdate calldata update,
        bytes32[] calldata path,
        bytes32[] calldata chunks,
        bytes32 seed
    ) external;

    /// @notice Prove that one coordinate of a published model is wrong; of one that a checkpoint carried also when it fell with
    /// one that it builds on.
    /// @param coordinate The wrong one.
    /// @param checkpoints Accepted checkpoints of the round, by rising shard: all that `sumAggregates` has not taken.
    /// @param aggregates The chunk that has the coordinate, of each checkpoint's aggregate.
    /// @param base The same chunk of the model that the round trained on.
    /// @param model The same chunk of the published model.
    function disputeModel(
        uint64 round,
        uint32 coordinate,
        Checkpoint[] calldata checkpoints,
        Opening[] calldata aggregates,
        Opening calldata base,
        Opening calldata model
    ) external;

    /// @notice Sum up some of the aggregates at a coordinate for `disputeModel`, where all are too much for one transaction.
    /// Anyone may go on where another stopped: a checkpoint counts once, whoever brings it how often.
    /// @param checkpoints Accepted checkpoints of the round, by rising shard.
    /// @param aggregates The chunk that has the coordinate, of each checkpoint's aggregate.
    function sumAggregates(
        uint64 round,
        uint32 coordinate,
        Checkpoint[] calldata checkpoints,
        Opening[] calldata aggregates
    ) external;

    /// @notice Prove the same of a published model's content.
    /// @param chunks All chunks of the model.
    function disputeModelContent(uint64 round, bytes32[] calldata chunks) external;

    /// @notice Prove that a seat signed two checkpoints of one round, shard and turn. Voids nothing: the checkpoint that
    /// was accepted stands or falls by its content.
    /// @param seat The seat that signed both.
    /// @param keyIndexOne Which of the validator's keys signed `one`; not retired before the round's reveals ended,
    /// nor `unbondingSeconds` ago.
    /// @param signatureOne The attestation of the beacon's digest of `one`, as the beacon's `IQuorum` takes one.
    /// @param keyIndexOther The same for `other`.
    function disputeEquivocation(
        Checkpoint calldata one,
        Checkpoint calldata other,
        uint8 seat,
        uint32 keyIndexOne,
        bytes calldata signatureOne,
        uint32 keyIndexOther,
        bytes calldata signatureOther
    ) external;

    /// @notice Prove that a demanded part was not shown in time: voids the checkpoint or the model, as a proof about its
    /// content would.
    /// @param part As in `IDemands.Demanded`.
    function disputeWithheld(Part calldata part) external;

    /// @notice Slash a validator that signed a false message for a mirror. Only the contract that judges that.
    /// @param round The round that the message is about.
    /// @param challenger Who proved it, and is paid.
    function punishMirrorLie(uint64 round, uint16 shard, uint32 validator, address challenger) external;

    /// @notice Which seats of a committee were slashed for equivocation: bit `i` is seat `i`.
    function equivocated(uint64 round, uint16 shard) external view returns (uint64 seats);
    /// @notice The contract that holds rounds and checkpoints.
    function beacon() external view returns (IBeacon);
    /// @notice The contract that slashes.
    function staking() external view returns (IStaking);
    /// @notice The contract that what cannot be had is demanded of.
    function demands() external view returns (IDemands);
    /// @notice The contract that judges what mirrors were told; zero where all shards are on this chain.
    function mirrorFaults() external view returns (address);
    /// @notice Whether the deployment is of the private mode: then every update is salted, and otherwise none. No value of
    /// a salt or of a seed says that.
    function isPrivate() external view returns (bool);
    /// @notice The shard of this number; zero where there is none, or it is on a chain of its own.
    function shards(uint256 index) external view returns (IShard);
}
