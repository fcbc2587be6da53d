// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    BadSignature,
    LeafReused,
    NoSuchSeat,
    NotCurrentRound,
    WrongBase,
    WrongPhase,
    WrongShard
} from "./interfaces/Errors.sol";
import {Checkpoint, IBeaconView, Phase, RoundContext} from "./interfaces/IBeacon.sol";
import {INormVerifier} from "./interfaces/INormVerifier.sol";
import {ClientDuty, IShard} from "./interfaces/IShard.sol";
import {LmsKey} from "./interfaces/IStaking.sol";
import {Digest} from "./libraries/Digest.sol";
import {Lms} from "./libraries/Lms.sol";

/// @title One shard: commits, reveals, proposals and attestations of a round.
/// @dev Knows the rest of the protocol only through `IBeaconView`, so it can live on a chain of its own.
contract Shard is IShard {
    /// @dev One slot for each round, created by its first commit.
    struct Tally {
        bytes28 revealsHash;
        uint16 commits;
        uint16 reveals;
    }

    /// @dev A checkpoint's bitmap has a bit for each reveal.
    uint16 private constant CAPACITY = 256;
    /// @dev Order of BN254's scalar field: what a proof's inputs are numbers of.
    uint256 private constant FIELD = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
    /// @dev Tells in the lowest bit of an update's slot whether it is revealed.
    bytes32 private constant REVEALED = bytes32(uint256(1));

    /// @notice The beacon, or its mirror on this chain.
    IBeaconView public immutable beacon;
    /// @inheritdoc IShard
    uint16 public immutable shardIndex;
    /// @inheritdoc IShard
    INormVerifier public immutable verifier;
    /// @inheritdoc IShard
    mapping(uint64 round => mapping(uint32 client => bytes32)) public updateOf;

    mapping(uint64 round => Tally) private _tallies;
    /// @dev By key, not by client alone: after a rotation the new key starts at leaf 0.
    mapping(uint32 client => mapping(bytes16 identifier => uint32)) private _nextLeaf;

    /// @param verifier_ Zero for the transparent mode.
    constructor(IBeaconView beacon_, uint16 shardIndex_, INormVerifier verifier_) {
        (beacon, shardIndex, verifier) = (beacon_, shardIndex_, verifier_);
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
        Tally storage tally = _tallies[round];
        if (tally.commits == CAPACITY) revert ShardFull(round, CAPACITY);
        uint32 leaf = _spendLeaf(client, key, Digest.commit(round, client, baseRoot, commitment), signature);

        ++tally.commits;
        updateOf[round][client] = commitment & ~REVEALED;
        emit Committed(round, client, commitment, leaf);
    }

    /// @inheritdoc IShard
    function reveal(uint64 round, uint32 client, bytes32 updateRoot, bytes32 contentDigest, bytes32 salt) external {
        if (address(verifier) != address(0)) revert ProofRequired();
        _inPhase(round, Phase.Reveal);
        _checkOpening(round, client, keccak256(abi.encode(round, client, updateRoot, contentDigest, salt)));
        _record(round, client, updateRoot, contentDigest);
    }

    /// @inheritdoc IShard
    function revealPrivate(
        uint64 round,
        uint32 client,
        bytes32 updateRoot,
        bytes32 contentDigest,
        bytes32 salt,
        uint256 vectorCommitment,
        uint256[8] calldata proof
    ) external {
        if (address(verifier) == address(0)) revert NoVerifier();
        RoundContext memory context = _inPhase(round, Phase.Reveal);
        bytes32 commitment = keccak256(abi.encode(round, client, updateRoot, contentDigest, salt, vectorCommitment));
        _checkOpening(round, client, commitment);
        uint256 proofContext = uint256(keccak256(abi.encode(block.chainid, address(this), round, client))) % FIELD;
        uint256[4] memory inputs = [vectorCommitment, proofContext, context.normBound, context.laneBits];
        if (!verifier.verify(inputs, proof)) revert BadNormProof(round, client);

        _record(round, client, updateRoot, contentDigest);
        emit NormProven(round, client, vectorCommitment);
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
        (bool active, uint16 shard, bool drawn, ) = beacon.client(id);
        (round, deadline) = (context.round, context.phaseEndsAt);
        bytes32 stored = updateOf[round][id];

        if (stored & REVEALED != 0) return (ClientDuty.Done, round, deadline);
        if (stored != 0) {
            if (context.phase == Phase.Commit) return (ClientDuty.Wait, round, deadline);
            return (context.phase == Phase.Reveal ? ClientDuty.Reveal : ClientDuty.Missed, round, deadline);
        }
        if (!active) return (ClientDuty.NotActive, round, deadline);
        if (context.phase == Phase.Idle || shard != shardIndex || !drawn) return (ClientDuty.Wait, round, deadline);
        return (context.phase == Phase.Commit ? ClientDuty.Commit : ClientDuty.Missed, round, deadline);
    }

    /// @inheritdoc IShard
    function revealsIn(uint64 round) external view returns (uint16) {
        return _tallies[round].reveals;
    }

    /// @inheritdoc IShard
    function revealsHash(uint64 round) external view returns (bytes32) {
        return _tallies[round].revealsHash;
    }

    /// @inheritdoc IShard
    function revealedAs(uint16 index, bytes32 updateRoot, bytes32 contentDigest) public pure returns (bytes32) {
        return keccak256(abi.encode(index, updateRoot, contentDigest)) | REVEALED;
    }

    /// @inheritdoc IShard
    function nextLeaf(uint32 client) external view returns (uint32) {
        (, , , LmsKey memory key) = beacon.client(client);
        return _nextLeaf[client][key.identifier];
    }

    // --- inside ----------------------------------------------------------------------------------------------

    /// @dev One more reveal in `round`.
    function _record(uint64 round, uint32 client, bytes32 updateRoot, bytes32 contentDigest) private {
        Tally storage tally = _tallies[round];
        uint16 index = tally.reveals++;
        tally.revealsHash = bytes28(
            keccak256(abi.encode(bytes32(tally.revealsHash), client, updateRoot, contentDigest))
        );
        updateOf[round][client] = revealedAs(index, updateRoot, contentDigest);
        emit Revealed(round, client, index, updateRoot, contentDigest);
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

    /// @dev Checks that `commitment` is what the client committed to and has not opened.
    function _checkOpening(uint64 round, uint32 client, bytes32 commitment) private view {
        bytes32 stored = updateOf[round][client];
        if (stored == 0) revert NotCommitted(round, client);
        if (stored & REVEALED != 0) revert AlreadyRevealed(round, client);
        if (stored != commitment & ~REVEALED) revert CommitmentMismatch(round, client);
    }

    /// @dev The key of an active client of this shard.
    function _keyOfMember(uint32 client) private view returns (LmsKey memory) {
        (bool active, uint16 shard, bool drawn, LmsKey memory key) = beacon.client(client);
        if (!active) revert NotActiveClient(client);
        if (shard != shardIndex) revert NotInShard(client, shard);
        if (!drawn) revert NotDrawn(client);
        return key;
    }

    /// @dev Checks that `round` is the current one, in phase `required`.
    function _inPhase(uint64 round, Phase required) private view returns (RoundContext memory context) {
        context = beacon.context();
        if (round != context.round) revert NotCurrentRound(round, context.round);
        if (context.phase != required) revert WrongPhase(uint8(context.phase), uint8(required));
    }
}
