// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {BadParameters, NotOpened, PaymentRefused, WrongCount} from "./interfaces/Errors.sol";
import {Checkpoint, IBeacon, Round} from "./interfaces/IBeacon.sol";
import {Demand, DemandParameters, DemandState, IDemands, Part, Subject} from "./interfaces/IDemands.sol";
import {RevealedUpdate} from "./interfaces/IShard.sol";
import {Chunks} from "./libraries/Chunks.sol";
import {Lanes} from "./libraries/Lanes.sol";
import {Signed} from "./libraries/Signed.sol";

/// @title Demands to show what somebody has signed for.
/// @dev Nobody owns it. It holds the deposits of the demands that are neither answered nor reclaimed (plus what somebody
/// forced into it). Money leaves last, to who answers, or to who demanded; nothing waits for a payment but its receiver.
contract Demands is IDemands {
    /// @dev How a round's demands hold up its finality: while one is `open`, and `until` what they show was disputable.
    struct Hold {
        uint32 open;
        uint40 until;
    }

    /// @dev More would not fit into the proof that gives all chunks of a model: 3,072 of them are 96 KiB.
    uint256 private constant MAX_COORDINATES = 24_576;
    /// @dev A part has up to `2^PART_HEIGHT` chunks, which are 64 KiB.
    uint256 private constant PART_HEIGHT = 11;
    /// @dev What an answer costs beside its chunks, in chunks.
    uint256 private constant CHUNKS_OF_AN_ANSWER = 64;

    /// @inheritdoc IDemands
    IBeacon public immutable beacon;
    /// @inheritdoc IDemands
    bool public immutable isPrivate;
    /// @inheritdoc IDemands
    uint32 public immutable answerSeconds;
    /// @inheritdoc IDemands
    uint96 public immutable chunkDepositWei;
    uint256 private immutable _coordinates;

    mapping(bytes32 id => Demand) private _demands;
    mapping(uint64 round => Hold) private _holds;

    /// @param isPrivate_ As the shards are; those on chains of their own cannot be asked from here.
    constructor(IBeacon beacon_, bool isPrivate_, DemandParameters memory parameters) {
        if (parameters.answerSeconds == 0) revert BadParameters("answerSeconds", 0);
        if (parameters.chunkDepositWei == 0) revert BadParameters("chunkDepositWei", 0);
        (beacon, isPrivate) = (beacon_, isPrivate_);
        (answerSeconds, chunkDepositWei) = (parameters.answerSeconds, parameters.chunkDepositWei);
        _coordinates = uint256(beacon_.quantumLength()) + beacon_.classicalLength();
        if (_coordinates > MAX_COORDINATES) revert BadParameters("coordinates", _coordinates);
    }

    // --- demands ---------------------------------------------------------------------------------------------

    /// @inheritdoc IDemands
    function demandUpdate(
        Checkpoint calldata checkpoint,
        uint16 position,
        RevealedUpdate calldata update,
        bytes32[] calldata path,
        uint32 index
    ) external payable {
        if (isPrivate) revert UpdatesAreSealed();
        Signed.acceptedAs(beacon, checkpoint);
        Signed.requireIncluded(checkpoint, position, update, path);
        uint256 bits = beacon.parametersOf(checkpoint.round).laneBits;
        _demand(
            Part(
                Subject.Update,
                checkpoint.round,
                checkpoint.shard,
                position,
                index,
                _chunksOf(bits),
                update.updateRoot
            )
        );
    }

    /// @inheritdoc IDemands
    function demandAggregate(Checkpoint calldata checkpoint, uint32 index) external payable {
        Signed.acceptedAs(beacon, checkpoint);
        (uint64 round, uint16 shard, bytes32 root) = (checkpoint.round, checkpoint.shard, checkpoint.aggregateRoot);
        _demand(Part(Subject.Aggregate, round, shard, 0, index, _chunksOf(32), root));
    }

    /// @inheritdoc IDemands
    function demandModel(uint64 round, uint32 index) external payable {
        bytes32 root = Signed.published(beacon, round).modelRoot;
        _demand(Part(Subject.Model, round, 0, 0, index, _chunksOf(32), root));
    }

    // --- how they end ----------------------------------------------------------------------------------------

    /// @inheritdoc IDemands
    function answer(Part calldata part, bytes32[] calldata chunks, bytes32[] calldata path) external {
        (bytes32 id, Demand storage demand) = _openDemand(part);
        if (block.timestamp >= demand.answerBy) revert AnswerLate(demand.answerBy);
        uint256 expected = _chunksIn(part);
        if (chunks.length != expected) revert WrongCount("chunks", chunks.length, expected);
        if (!Chunks.verifyPart(part.root, part.chunks, PART_HEIGHT, part.index, chunks, path)) {
            revert NotOpened("chunks", part.index);
        }

        demand.state = DemandState.Answered;
        --_holds[part.round].open;
        emit Answered(id, part.round, msg.sender, chunks);
        _pay(msg.sender, _depositFor(expected));
    }

    /// @inheritdoc IDemands
    function reclaim(Part calldata part) external {
        (bytes32 id, Demand storage demand) = _openDemand(part);
        if (_stands(part)) revert DemandStands(id);

        demand.state = DemandState.Reclaimed;
        --_holds[part.round].open;
        address demander = demand.demander;
        emit Reclaimed(id, part.round, demander);
        _pay(demander, _depositFor(_chunksIn(part)));
    }

    // --- views -----------------------------------------------------------------------------------------------

    /// @inheritdoc IDemands
    function isOverdue(Part calldata part) external view returns (bool) {
        Demand storage demand = _demands[_idOf(part)];
        return demand.state == DemandState.Open && block.timestamp >= demand.answerBy;
    }

    /// @inheritdoc IDemands
    function heldUntil(uint64 round) external view returns (uint256) {
        Hold memory hold = _holds[round];
        return hold.open == 0 ? hold.until : type(uint256).max;
    }

    /// @inheritdoc IDemands
    function demandAt(bytes32 id) external view returns (Demand memory) {
        return _demands[id];
    }

    // --- inside ----------------------------------------------------------------------------------------------

    function _demand(Part memory part) private {
        if (uint256(part.index) << PART_HEIGHT >= part.chunks) revert NoSuchPart(part.index, part.chunks);
        uint256 deposit = _depositFor(_chunksIn(part));
        if (msg.value != deposit) revert WrongDeposit(msg.value, deposit);
        uint256 until = _demandableUntil(part.round);
        if (block.timestamp >= until) revert DemandLate(part.round, until);
        bytes32 id = _idOf(part);
        if (_demands[id].state != DemandState.None) revert DemandedBefore(id);

        uint40 answerBy = uint40(block.timestamp) + answerSeconds;
        _demands[id] = Demand({demander: msg.sender, answerBy: answerBy, state: DemandState.Open});
        Hold storage hold = _holds[part.round];
        (hold.open, hold.until) = (hold.open + 1, answerBy + answerSeconds);
        emit Demanded(id, part.round, msg.sender, answerBy, part);
    }

    /// @dev Money leaves last. What the receiver returns is not copied: it cannot make the payment dear.
    function _pay(address receiver, uint256 amount) private {
        if (!LowLevelCall.callNoReturn(receiver, amount, "")) revert PaymentRefused(receiver, amount);
    }

    function _openDemand(Part calldata part) private view returns (bytes32 id, Demand storage demand) {
        id = _idOf(part);
        demand = _demands[id];
        if (demand.state != DemandState.Open) revert NoOpenDemand(id);
    }

    /// @dev Whether what was demanded is neither void nor gone with what it builds on. A checkpoint whose round failed
    /// stands: who attested it can be slashed.
    function _stands(Part calldata part) private view returns (bool) {
        if (part.subject == Subject.Model) return Signed.isLiable(beacon, part.round, beacon.roundAt(part.round));
        return !beacon.checkpointAt(part.round, part.shard).voided;
    }

    /// @dev The end of the challenge window; where no model was published, as if one had been at the last moment, whenever
    /// somebody says that the round has failed.
    function _demandableUntil(uint64 round) private view returns (uint256) {
        Round memory asked = beacon.roundAt(round);
        bool isOver = asked.publishedAt != 0 && asked.publishedAt < asked.publishEndsAt;
        uint256 begins = isOver ? asked.publishedAt : asked.publishEndsAt;
        return begins + beacon.parametersOf(round).challengeSeconds;
    }

    function _chunksOf(uint256 bits) private view returns (uint32) {
        return uint32(Lanes.chunksFor(_coordinates, bits));
    }

    function _depositFor(uint256 chunks) private view returns (uint256) {
        return (chunks + CHUNKS_OF_AN_ANSWER) * chunkDepositWei;
    }

    /// @dev How many chunks a part has.
    function _chunksIn(Part memory part) private pure returns (uint256) {
        uint256 left = part.chunks - (uint256(part.index) << PART_HEIGHT);
        return left < 1 << PART_HEIGHT ? left : 1 << PART_HEIGHT;
    }

    function _idOf(Part memory part) private pure returns (bytes32) {
        return keccak256(abi.encode(part));
    }
}
