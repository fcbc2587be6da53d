// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint, IBeacon} from "./IBeacon.sol";
import {RevealedUpdate} from "./IShard.sol";

/// @notice What a deployment chooses for demands.
/// @param answerSeconds How long there is to answer one; at least 1. A round, its challenge window and twice this have to
/// be over before a seat can withdraw.
/// @param chunkDepositWei Deposit of a demand for each chunk that it asks for, and for 64 more; at least 1. About what an
/// answer costs: 1,300 gas a chunk.
struct DemandParameters {
    uint32 answerSeconds;
    uint96 chunkDepositWei;
}

/// @notice What can be demanded: an included update, a checkpoint's aggregate, a published model.
enum Subject {
    Update,
    Aggregate,
    Model
}

/// @notice A part of a vector: its chunks from `index * 2048` on, 2,048 or as many as there are.
/// @param subject What the vector is.
/// @param round Whose it is.
/// @param shard The checkpoint's shard; 0 for a model.
/// @param position The update's place among the included ones; 0 for an aggregate or a model.
/// @param index Which part, from 0.
/// @param chunks How many chunks the whole vector has.
/// @param root `Chunks` root over the vector.
struct Part {
    Subject subject;
    uint64 round;
    uint16 shard;
    uint16 position;
    uint32 index;
    uint32 chunks;
    bytes32 root;
}

/// @notice Life of a demand.
enum DemandState {
    None,
    Open,
    Answered,
    Reclaimed
}

/// @notice What is kept of a demand: one slot.
/// @param demander Who has the deposit back, unless it is answered.
/// @param answerBy When the time to answer is over.
/// @param state Where it stands.
struct Demand {
    address demander;
    uint40 answerBy;
    DemandState state;
}

/// @title Demands to show what somebody has signed for.
/// @notice Whoever signs for a root answers for its content. Within the challenge window anybody can demand a part of an
/// included update, of an aggregate or of a published model, for a deposit; anybody who has the part can answer, and is
/// paid the deposit for the gas. The answer is an event, so that all can read it. What nobody shows in time is a fault,
/// see `IDisputes.disputeWithheld`. So every lie can be reached by a proof: what cannot be had is demanded, and what is
/// shown is recomputed.
/// @notice In the private mode updates cannot be demanded, as the answer would show them to all: there every seat holds
/// every update, and one honest seat is enough. Aggregates and models can.
/// @dev Spam pays nobody. An answered demand costs its deposit, about the gas of the answer; who answers a demand of their
/// own has it back, and paid the gas of both. Each part is demanded once at most, and finality waits for all of them
/// together until twice `answerSeconds` after the window, not more. To withhold costs the slash, of which the bounty is
/// the smaller part.
interface IDemands {
    /// @notice A part was demanded.
    event Demanded(bytes32 indexed id, uint64 indexed round, address indexed demander, uint40 answerBy, Part part);
    /// @notice A demand was answered: here are the chunks.
    event Answered(bytes32 indexed id, uint64 indexed round, address answerer, bytes32[] chunks);
    /// @notice The deposit of a demand went back, as what it was about does not stand any more.
    event Reclaimed(bytes32 indexed id, uint64 indexed round, address demander);

    /// @notice Thrown when an update of the private mode is demanded.
    error UpdatesAreSealed();
    /// @notice Thrown when a vector of so many chunks has no such part.
    error NoSuchPart(uint32 index, uint256 chunks);
    /// @notice Thrown when a demand comes with more or less than its deposit.
    error WrongDeposit(uint256 givenWei, uint256 expectedWei);
    /// @notice Thrown when nothing of the round can be demanded any more.
    error DemandLate(uint64 round, uint256 until);
    /// @notice Thrown when the part was demanded before.
    error DemandedBefore(bytes32 id);
    /// @notice Thrown when there is no such demand, or it is over.
    error NoOpenDemand(bytes32 id);
    /// @notice Thrown when the time to answer is over.
    error AnswerLate(uint40 answerBy);
    /// @notice Thrown when what was demanded stands: it can be answered, or proven to be withheld.
    error DemandStands(bytes32 id);

    /// @notice Demand a part of an included update. Send the deposit along: `chunkDepositWei` for each of its chunks and
    /// for 64 more. Within the challenge window of the round's model; where none was published, within as long after the
    /// round's last deadline. Not in the private mode.
    /// @param position The update's place among the included ones.
    /// @param update The update, and `path` from it to the checkpoint's `updatesRoot`.
    /// @param index Which part.
    function demandUpdate(
        Checkpoint calldata checkpoint,
        uint16 position,
        RevealedUpdate calldata update,
        bytes32[] calldata path,
        uint32 index
    ) external payable;

    /// @notice Demand a part of a checkpoint's aggregate, on the same terms, in either mode.
    function demandAggregate(Checkpoint calldata checkpoint, uint32 index) external payable;

    /// @notice Demand a part of a published model, on the same terms, in either mode; of one that a checkpoint carried also
    /// when it fell with one that it builds on.
    function demandModel(uint64 round, uint32 index) external payable;

    /// @notice Show what was demanded, and be paid the deposit. Anyone may.
    /// @param part As in `Demanded`.
    /// @param chunks All chunks of the part.
    /// @param path The siblings, from the node over the part's 2,048 leaves up; none where there is only one part.
    function answer(Part calldata part, bytes32[] calldata chunks, bytes32[] calldata path) external;

    /// @notice Return the deposit of a demand that nobody answered and whose checkpoint or model does not stand any more:
    /// it was withheld, or something else about it was proven. Anyone may; the deposit goes to who demanded.
    function reclaim(Part calldata part) external;

    /// @notice Whether a part was demanded, and not answered in time.
    function isOverdue(Part calldata part) external view returns (bool);
    /// @notice Until when a round cannot be settled (unix seconds): for ever while a demand of it is open, and then until
    /// twice `answerSeconds` after the last one was made, so that what it shows can be disputed. 0 without any.
    function heldUntil(uint64 round) external view returns (uint256);
    /// @notice A demand; `id` is keccak256 of the ABI-encoded `Part`.
    function demandAt(bytes32 id) external view returns (Demand memory);
    /// @notice How long there is to answer a demand.
    function answerSeconds() external view returns (uint32);
    /// @notice Deposit of a demand for each chunk, and for 64 more.
    function chunkDepositWei() external view returns (uint96);
    /// @notice Whether the deployment is of the private mode: then every update is salted, and otherwise none. No value of
    /// a salt or of a seed says that.
    function isPrivate() external view returns (bool);
    /// @notice The contract that holds rounds and checkpoints.
    function beacon() external view returns (IBeacon);
}
