// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint} from "./interfaces/IBeacon.sol";
import {IBeaconView, Phase, RoundContext} from "./interfaces/IBeaconView.sol";
import {ClientDuty, IShard} from "./interfaces/IShard.sol";
import {LmsKey} from "./interfaces/IStaking.sol";
import {Digest} from "./libraries/Digest.sol";
import {Lms} from "./libraries/Lms.sol";

/// @title One shard: commits, reveals, proposals and attestations of a round.
/// @dev Knows the rest of the protocol only through `IBeaconView`, so it can live on a chain of its own.
contract Shard is IShard {
    /// @dev The counters of the latest round with a commit; one slot for all rounds, so that none pays to create it.
    struct Tally {
        uint64 round;
        uint16 commits;
        uint16 reveals;
    }

    /// @dev A checkpoint's bitmap has a bit for each reveal.
    uint16 private constant CAPACITY = 256;
    /// @dev Tells in the lowest bit of an update's slot whether it is revealed.
    bytes32 private constant REVEALED = bytes32(uint256(1));

    /// @notice The beacon, or its mirror on this chain.
    IBeaconView public immutable beacon;
    /// @inheritdoc IShard
    uint16 public immutable shardIndex;
    /// @inheritdoc IShard
    mapping(uint64 round => mapping(uint32 client => bytes32)) public updateOf;

    Tally private _tally;
    /// @dev By key, not by client alone: after a rotation the new key starts at leaf 0.
    mapping(uint32 client => mapping(bytes16 identifier => uint32)) private _nextLeaf;

    constructor(IBeaconView beacon_, uint16 shardIndex_) {
        (beacon, shardIndex) = (beacon_, shardIndex_);
        // No round has this number; the slot is never empty, so the first commit costs what later ones do.
        _tally.round = type(uint64).max;
    }

    /// @inheritdoc IShard
    function commit(
        uint64 round,
        uint32 client,
        bytes32 baseRoot,
        bytes32 commitment,
        bytes calldata signature
    ) external {
        RoundContext memory context = _inPhase(round, Phase.Commit);
        LmsKey memory key = _keyOfMember(client);
        if (baseRoot != context.baseRoot) revert WrongBase(baseRoot, context.baseRoot);
        if (updateOf[round][client] != 0) revert AlreadyCommitted(round, client);
        if (commitment & ~REVEALED == 0) revert EmptyCommitment();

        _count(round);
        uint32 leaf = _spendLeaf(client, key, Digest.commit(round, client, baseRoot, commitment), signature);
        updateOf[round][client] = commitment & ~REVEALED;
        emit Committed(round, client, commitment, leaf);
    }

    /// @inheritdoc IShard
    function reveal(uint64 round, uint32 client, bytes32 updateRoot, bytes32 contentDigest, bytes32 salt) external {
        _inPhase(round, Phase.Reveal);
        bytes32 stored = updateOf[round][client];
        if (stored == 0) revert NotCommitted(round, client);
        if (stored & REVEALED != 0) revert AlreadyRevealed(round, client);
        bytes32 commitment = keccak256(abi.encode(round, client, updateRoot, contentDigest, salt));
        if (stored != commitment & ~REVEALED) revert CommitmentMismatch(round, client);

        uint16 index = _tally.reveals++;
        updateOf[round][client] = revealedAs(index, updateRoot, contentDigest);
        emit Revealed(round, client, index, updateRoot, contentDigest);
    }

    /// @inheritdoc IShard
    function propose(Checkpoint calldata checkpoint, bytes calldata signature) external {
        RoundContext memory context = _inPhase(checkpoint.round, Phase.Checkpoint);
        if (checkpoint.shard != shardIndex) revert WrongShard(checkpoint.shard, shardIndex);
        if (checkpoint.turn >= context.seats) revert NoSuchSeat(checkpoint.turn, context.seats);
        uint256 turnBeginsAt = context.revealEndsAt + uint256(checkpoint.turn) * context.turnSeconds;
        if (block.timestamp < turnBeginsAt) revert TurnNotBegun(checkpoint.turn, turnBeginsAt);

        emit Proposed(checkpoint.round, checkpoint.turn, checkpoint, signature);
    }

    /// @inheritdoc IShard
    function attest(uint64 round, uint8 turn, uint8 seat, bytes32 digest, bytes calldata signature) external {
        uint8 seats = _inPhase(round, Phase.Checkpoint).seats;
        if (turn >= seats) revert NoSuchSeat(turn, seats);
        if (seat >= seats) revert NoSuchSeat(seat, seats);

        emit Attested(round, turn, seat, digest, signature);
    }

    // --- views -----------------------------------------------------------------------------------------------

    /// @inheritdoc IShard
    function clientDuty(uint32 id) external view returns (ClientDuty duty, uint64 round, uint40 deadline) {
        RoundContext memory context = beacon.context();
        (bool active, uint16 shard, ) = beacon.client(id);
        (round, deadline) = (context.round, context.phaseEndsAt);
        bytes32 stored = updateOf[round][id];

        if (stored & REVEALED != 0) return (ClientDuty.Done, round, deadline);
        if (stored != 0) {
            if (context.phase == Phase.Commit) return (ClientDuty.Wait, round, deadline);
            return (context.phase == Phase.Reveal ? ClientDuty.Reveal : ClientDuty.Missed, round, deadline);
        }
        if (!active) return (ClientDuty.NotActive, round, deadline);
        if (context.phase == Phase.Idle || shard != shardIndex) return (ClientDuty.Wait, round, deadline);
        return (context.phase == Phase.Commit ? ClientDuty.Commit : ClientDuty.Missed, round, deadline);
    }

    /// @inheritdoc IShard
    function revealedAs(uint16 index, bytes32 updateRoot, bytes32 contentDigest) public pure returns (bytes32) {
        return keccak256(abi.encode(index, updateRoot, contentDigest)) | REVEALED;
    }

    /// @inheritdoc IShard
    function nextLeaf(uint32 client) external view returns (uint32) {
        (, , LmsKey memory key) = beacon.client(client);
        return _nextLeaf[client][key.identifier];
    }

    // --- inside ----------------------------------------------------------------------------------------------

    /// @dev One more commit in `round`.
    function _count(uint64 round) private {
        Tally memory tally = _tally;
        if (tally.round != round) tally = Tally({round: round, commits: 0, reveals: 0});
        if (tally.commits == CAPACITY) revert ShardFull(round, CAPACITY);
        ++tally.commits;
        _tally = tally;
    }

    /// @dev Order is the client's own here, so a leaf below the last accepted one is a reused or stolen one.
    function _spendLeaf(
        uint32 client,
        LmsKey memory key,
        bytes32 digest,
        bytes calldata signature
    ) private returns (uint32 leaf) {
        leaf = Lms.leafOf(signature);
        uint32 lowest = _nextLeaf[client][key.identifier];
        if (leaf < lowest) revert LeafReused(client, leaf, lowest);
        if (!Lms.verify(key, digest, signature)) revert BadSignature(client);
        _nextLeaf[client][key.identifier] = leaf + 1;
    }

    /// @dev The key of an active client of this shard.
    function _keyOfMember(uint32 client) private view returns (LmsKey memory) {
        (bool active, uint16 shard, LmsKey memory key) = beacon.client(client);
        if (!active) revert NotActiveClient(client);
        if (shard != shardIndex) revert NotInShard(client, shard);
        return key;
    }

    /// @dev Checks that `round` is the current one, in phase `required`.
    function _inPhase(uint64 round, Phase required) private view returns (RoundContext memory context) {
        context = beacon.context();
        if (round != context.round) revert NotCurrentRound(round, context.round);
        if (context.phase != required) revert WrongPhase(uint8(context.phase), uint8(required));
    }
}
