// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint} from "./IBeacon.sol";
import {INormVerifier} from "./INormVerifier.sol";

/// @notice What a client should do now.
/// @dev `Missed`: the round goes on without the client.
enum ClientDuty {
    NotActive,
    Wait,
    Commit,
    Reveal,
    Done,
    Missed
}

/// @notice What a client revealed.
/// @param client Who.
/// @param updateRoot `Chunks` root over the update's lanes, salted or not.
/// @param contentDigest sha256 of the update's content object.
struct RevealedUpdate {
    uint32 client;
    bytes32 updateRoot;
    bytes32 contentDigest;
}

/// @title One shard: commits, reveals, proposals and attestations of a round.
interface IShard {
    /// @notice A client committed to an update: with this leaf of its key, or by a key of its hash chain (2^32 - 1).
    event Committed(uint64 indexed round, uint32 indexed client, bytes32 commitment, uint32 leaf);
    /// @notice A client opened its commitment; `index` is its number among the round's reveals.
    event Revealed(
        uint64 indexed round,
        uint32 indexed client,
        uint16 index,
        bytes32 updateRoot,
        bytes32 contentDigest
    );
    /// @notice The update that was just revealed is proven to be in range and within the norm bound.
    /// @param vectorCommitment Poseidon commitment to the update's lanes.
    event NormProven(uint64 indexed round, uint32 indexed client, uint256 vectorCommitment);
    /// @notice Somebody says that seat `checkpoint.turn` proposes this. Checked off chain.
    /// @dev The signature is the proposing seat's attestation.
    event Proposed(uint64 indexed round, uint8 indexed turn, Checkpoint checkpoint, bytes signature);
    /// @notice Somebody says that this seat attests this. Checked off chain, and on chain with the bundle.
    event Attested(uint64 indexed round, uint8 indexed turn, uint8 indexed seat, bytes32 digest, bytes signature);

    /// @notice Thrown when the client belongs to another shard this round.
    error NotInShard(uint32 client, uint16 shard);
    /// @notice Thrown when the client has no place in this round: it bonded after the opening, or the lottery gave it none.
    error NotDrawn(uint32 client);
    /// @notice Thrown when the client committed in this round already.
    error AlreadyCommitted(uint64 round, uint32 client);
    /// @notice Thrown when the client has no hash chain: it named none, is not active, or is not admitted to the shard's chain.
    error NoHashChain(uint32 client);
    /// @notice Thrown when the client's hash chain has no links for so early a round.
    error HashChainNotBegun(uint32 client, uint32 firstRound);
    /// @notice Thrown when a token is not the one of the client's hash chain for this round.
    error BadToken(uint32 client, bytes28 token);
    /// @notice Thrown when more links than this lie between two that are shown: sign, and name another chain.
    error TooManyLinks(uint256 links, uint256 limit);
    /// @notice Thrown when the commitment is zero.
    error EmptyCommitment();
    /// @notice Thrown when the shard has all the commits it can take this round.
    error ShardFull(uint64 round, uint16 capacity);
    /// @notice Thrown when there is nothing to reveal.
    error NotCommitted(uint64 round, uint32 client);
    /// @notice Thrown when the client revealed already.
    error AlreadyRevealed(uint64 round, uint32 client);
    /// @notice Thrown when the opening does not hash to the commitment.
    error CommitmentMismatch(uint64 round, uint32 client);
    /// @notice Thrown when an update is revealed without a proof where one is needed.
    error ProofRequired();
    /// @notice Thrown when an update is revealed with a proof where nothing can check it.
    error NoVerifier();
    /// @notice Thrown when the proof does not show what it must.
    error BadNormProof(uint64 round, uint32 client);
    /// @notice Thrown when the proposer's turn has not begun.
    error TurnNotBegun(uint8 turn, uint256 beginsAt);

    /// @notice Commit to an update. Anyone may carry it. Replaces what was committed to by key in the same round, and is not
    /// replaced by anything.
    /// @param baseRoot Root of the model it was trained from.
    /// @param commitment keccak256(abi.encode(round, client, updateRoot, contentDigest, salt)); in private mode
    /// keccak256(abi.encode(round, client, updateRoot, contentDigest, salt, vectorCommitment)).
    /// @param signature LMS of the client over `Commit(round, client, baseRoot, commitment)`.
    function commit(
        uint64 round,
        uint32 client,
        bytes32 baseRoot,
        bytes32 commitment,
        bytes calldata signature
    ) external;

    /// @notice Commit to an update without a signature: `token` shows that the client, or somebody who saw the token, does so,
    /// and the key, which is shown with the reveal, that it was the client. Anyone may carry it.
    /// @dev Assumes that a client shows its key only when no reorganization can take back what its slot holds, and nobody can
    /// commit any more. Who is quicker with another's token commits to what nobody can open; the client's signature replaces
    /// it.
    /// @param commitment keccak256(abi.encode(chain id, this contract, baseRoot, commitment of `commit`)), in which the salt
    /// is the key and four zero bytes.
    /// @param token The link number 2 * (round - firstRound) + 1 of the client's hash chain (`IHashChains`), counted from
    /// its anchor, which is number 0; the key is the next one, of which it is the hash.
    function commitByKey(uint64 round, uint32 client, bytes32 baseRoot, bytes32 commitment, bytes28 token) external;

    /// @notice Open a commitment of the transparent mode. The salt authorizes it; anyone may carry it.
    /// @param salt Where the commitment was made by key: the key, and four zero bytes.
    function reveal(uint64 round, uint32 client, bytes32 updateRoot, bytes32 contentDigest, bytes32 salt) external;

    /// @notice Open a commitment of the private mode, and prove that the update is in range and within the norm bound.
    /// @dev The proof is for this chain, shard, round and client alone: its context is
    /// uint256(keccak256(abi.encode(block.chainid, shard, round, client))) modulo the order of BN254's scalar field.
    /// @param vectorCommitment Poseidon commitment to the update's lanes. The commitment names it, so nobody who carries
    /// the reveal can exchange it together with the proof.
    /// @param proof Groth16, over (vectorCommitment, context, normBound, laneBits); see `INormVerifier`.
    function revealPrivate(
        uint64 round,
        uint32 client,
        bytes32 updateRoot,
        bytes32 contentDigest,
        bytes32 salt,
        uint256 vectorCommitment,
        uint256[8] calldata proof
    ) external;

    /// @notice Announce a proposal. Not verified here: a forged one is noise that attesters drop.
    /// @param signature LMS of seat `checkpoint.turn` over the beacon's digest of `checkpoint`.
    function propose(Checkpoint calldata checkpoint, bytes calldata signature) external;

    /// @notice Announce an attestation. Not verified here: the bundle is.
    function attest(uint64 round, uint8 turn, uint8 seat, bytes32 digest, bytes calldata signature) external;

    /// @notice What client `id` should do now, and by when.
    function clientDuty(uint32 id) external view returns (ClientDuty duty, uint64 round, uint40 deadline);

    /// @notice What is kept of a client's update: 0, its commitment with two zero bits at the end, keccak256(abi.encode(
    /// commitment, token)) with the bits 10 if it was made by key, or what it revealed (see `revealedAs`).
    function updateOf(uint64 round, uint32 client) external view returns (bytes32);

    /// @notice How many updates were revealed in a round: they have the numbers below.
    function revealsIn(uint64 round) external view returns (uint16);

    /// @notice Which updates were revealed in a round, and in which order: zero before the first, and then
    /// keccak256(abi.encode(hash so far, client, updateRoot, contentDigest)) with its last 4 bytes zero.
    /// @dev 28 bytes, so that it shares a slot with the counters: 112 bits against two lists with one hash.
    function revealsHash(uint64 round) external view returns (bytes32);

    /// @notice What `updateOf` holds after a reveal: a hash of these values with its lowest bit set.
    function revealedAs(uint16 index, bytes32 updateRoot, bytes32 contentDigest) external pure returns (bytes32);

    /// @notice The lowest leaf of the client's current key that this shard still accepts.
    function nextLeaf(uint32 client) external view returns (uint32);

    /// @notice What checks the proofs of the private mode; zero in the transparent one.
    function verifier() external view returns (INormVerifier);

    /// @notice Which shard this is.
    function shardIndex() external view returns (uint16);
}
