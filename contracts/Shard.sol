// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {
    BadSignature,
    LeafReused,
    NoSuchSeat,
    NotActiveClient,
    NotCurrentRound,
    WrongBase,
    WrongPhase,
    WrongShard
} from "./interfaces/Errors.sol";
import {Checkpoint, IBeaconView, Phase, RoundContext} from "./interfaces/IBeacon.sol";
import {IHashChains} from "./interfaces/IHashChains.sol";
import {INormVerifier} from "./interfaces/INormVerifier.sol";
import {ClientDuty, IShard} from "./interfaces/IShard.sol";
import {LmsKey} from "./interfaces/IStaking.sol";
import {Digest} from "./libraries/Digest.sol";
import {Links} from "./libraries/Links.sol";
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

    /// @dev The last link of a chain that was shown here, and how many there are between it and the anchor, with itself.
    struct Tip {
        bytes28 link;
        uint32 position;
    }

    /// @dev A checkpoint's bitmap has a bit for each reveal.
    uint16 private constant CAPACITY = 256;
    /// @dev Order of BN254's scalar field: what a proof's inputs are numbers of.
    uint256 private constant FIELD = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
    /// @dev Tells in the lowest bit of an update's slot whether it is revealed.
    bytes32 private constant REVEALED = bytes32(uint256(1));
    /// @dev Tells in the next bit of one that is not whether a key opens it.
    bytes32 private constant KEYED = bytes32(uint256(2));
    bytes32 private constant FLAGS = REVEALED | KEYED;
    /// @dev In the place of the leaf of a commitment that nobody signed: no key has so many.
    uint32 private constant NO_LEAF = type(uint32).max;
    /// @dev Links between two that are shown: bounds the gas. 2,048 rounds.
    uint256 private constant MAX_LINKS = 4096;

    /// @notice The beacon, or its mirror on this chain.
    IBeaconView public immutable beacon;
    /// @inheritdoc IShard
    uint16 public immutable shardIndex;
    /// @inheritdoc IShard
    INormVerifier public immutable verifier;
    /// @dev The staking contract, or the beacon's mirror.
    IHashChains private immutable _chains;
    bytes32 private immutable _linkDomain;
    /// @inheritdoc IShard
    mapping(uint64 round => mapping(uint32 client => bytes32)) public updateOf;

    mapping(uint64 round => Tally) private _tallies;
    /// @dev By key, not by client alone: after a rotation the new key starts at leaf 0.
    mapping(uint32 client => mapping(bytes16 identifier => uint32)) private _nextLeaf;
    /// @dev By anchor, so that another chain begins anew. Who bonds with another's anchor can only show what is public.
    mapping(bytes28 anchor => Tip) private _tips;

    /// @param verifier_ Zero for the transparent mode.
    /// @param chains_ Who knows clients' hash chains: the staking contract, or the mirror where the beacon is one.
    constructor(IBeaconView beacon_, uint16 shardIndex_, INormVerifier verifier_, IHashChains chains_) {
        (beacon, shardIndex, verifier, _chains) = (beacon_, shardIndex_, verifier_, chains_);
        _linkDomain = chains_.linkDomain();
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
        bytes32 stored = updateOf[round][client];
        if (commitment & ~FLAGS == 0) revert EmptyCommitment();
        if (stored & FLAGS != KEYED) _takeSlot(round, client, stored);
        uint32 leaf = _spendLeaf(client, key, Digest.commit(round, client, baseRoot, commitment), signature);

        updateOf[round][client] = commitment & ~FLAGS;
        emit Committed(round, client, commitment, leaf);
    }

    /// @inheritdoc IShard
    function commitByKey(uint64 round, uint32 client, bytes32 baseRoot, bytes32 commitment, bytes28 token) external {
        RoundContext memory context = _inPhase(round, Phase.Commit);
        // Not `beacon.client`: that the client has a hash chain tells at half the gas that it is active.
        (uint16 shard, bool drawn) = beacon.placeOf(round, client);
        _requirePlace(client, shard, drawn);
        if (baseRoot != context.baseRoot) revert WrongBase(baseRoot, context.baseRoot);
        mapping(uint32 id => bytes32) storage updates = updateOf[round];
        _takeSlot(round, client, updates[client]);
        _spendToken(round, client, token);

        updates[client] = _keyed(commitment, token);
        emit Committed(round, client, commitment, NO_LEAF);
    }

    /// @inheritdoc IShard
    function reveal(uint64 round, uint32 client, bytes32 updateRoot, bytes32 contentDigest, bytes32 salt) external {
        if (address(verifier) != address(0)) revert ProofRequired();
        bytes32 baseRoot = _inPhase(round, Phase.Reveal).baseRoot;
        bytes32 commitment = keccak256(abi.encode(round, client, updateRoot, contentDigest, salt));
        _checkOpening(round, client, baseRoot, commitment, salt);
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
        _checkOpening(round, client, context.baseRoot, commitment, salt);
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

    /// @dev Takes a token that leads to the last link which was shown of the client's chain, and is the one of this round: so
    /// one that was shown in another round, with its key or without, is worth nothing.
    function _spendToken(uint64 round, uint32 client, bytes28 token) private {
        (bytes28 anchor, uint32 firstRound) = _chains.anchorOf(client);
        if (anchor == 0) revert NoHashChain(client);
        if (round < firstRound) revert HashChainNotBegun(client, firstRound);
        Tip storage tip = _tips[anchor];
        (bytes28 last, uint256 shown) = (tip.link, tip.position);
        if (shown == 0) last = anchor;
        unchecked {
            uint256 position = 2 * uint256(round - firstRound) + 1;
            if (position < shown) revert BadToken(client, token);
            uint256 links = position - shown;
            if (links > MAX_LINKS) revert TooManyLinks(links, MAX_LINKS);
            if (Links.before(token, _linkDomain, links) != last) revert BadToken(client, token);
            (tip.link, tip.position) = (token, uint32(position));
        }
    }

    /// @dev Checks that `commitment` is what the client committed to and has not opened; where it did so by key, that `salt`
    /// is the key.
    function _checkOpening(
        uint64 round,
        uint32 client,
        bytes32 baseRoot,
        bytes32 commitment,
        bytes32 salt
    ) private view {
        bytes32 stored = updateOf[round][client];
        if (stored == 0) revert NotCommitted(round, client);
        if (stored & REVEALED != 0) revert AlreadyRevealed(round, client);
        bytes32 opened = commitment & ~FLAGS;
        if (stored & KEYED != 0) {
            bytes32 bound = keccak256(abi.encode(block.chainid, address(this), baseRoot, commitment));
            opened = _keyed(bound, Links.before(bytes28(salt), _linkDomain, 1));
        }
        if (stored != opened) revert CommitmentMismatch(round, client);
    }

    /// @dev Counts a client whose slot holds `stored` among those that have committed.
    function _takeSlot(uint64 round, uint32 client, bytes32 stored) private {
        if (stored != 0) revert AlreadyCommitted(round, client);
        Tally storage tally = _tallies[round];
        uint16 commits = tally.commits;
        if (commits == CAPACITY) revert ShardFull(round, CAPACITY);
        tally.commits = commits + 1;
    }

    /// @dev What a slot holds of a commitment by key.
    function _keyed(bytes32 commitment, bytes28 token) private pure returns (bytes32) {
        return (Hashes.efficientKeccak256(commitment, token) & ~FLAGS) | KEYED;
    }

    /// @dev The key of an active client of this shard.
    function _keyOfMember(uint32 client) private view returns (LmsKey memory) {
        (bool active, uint16 shard, bool drawn, LmsKey memory key) = beacon.client(client);
        if (!active) revert NotActiveClient(client);
        _requirePlace(client, shard, drawn);
        return key;
    }

    function _requirePlace(uint32 client, uint16 shard, bool drawn) private view {
        if (shard != shardIndex) revert NotInShard(client, shard);
        if (!drawn) revert NotDrawn(client);
    }

    /// @dev Checks that `round` is the current one, in phase `required`.
    function _inPhase(uint64 round, Phase required) private view returns (RoundContext memory context) {
        context = beacon.context();
        if (round != context.round) revert NotCurrentRound(round, context.round);
        if (context.phase != required) revert WrongPhase(uint8(context.phase), uint8(required));
    }
}
