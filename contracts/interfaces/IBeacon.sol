// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDraw} from "./IDraw.sol";
import {IQuorum, Turn} from "./IQuorum.sol";
import {IStaking, LmsKey} from "./IStaking.sol";

/// @notice Where the current round stands. `Idle`: no round is open, one may be opened.
enum Phase {
    Idle,
    Commit,
    Reveal,
    Checkpoint,
    Publish
}

/// @notice What a shard knows of the current round.
/// @param round Its number, from 1; 0 before the first.
/// @param phase Where it stands at `block.timestamp`.
/// @param phaseEndsAt When that phase ends (unix seconds); 0 when idle.
/// @param revealEndsAt When turn 0 of the proposers begins.
/// @param turnSeconds How long each proposer has before the next seat may propose.
/// @param shards How many shards the round has.
/// @param seats How many seats each committee has.
/// @param baseRoot Root of the model the round trains on.
/// @param normBound Largest sum of squared lanes an update may have.
/// @param laneBits Width of an update's lanes: 4, 8 or 16.
struct RoundContext {
    uint64 round;
    Phase phase;
    uint40 phaseEndsAt;
    uint40 revealEndsAt;
    uint32 turnSeconds;
    uint16 shards;
    uint8 seats;
    bytes32 baseRoot;
    uint64 normBound;
    uint8 laneBits;
}

/// @notice What the owner chooses for the rounds opened from now on. Two storage slots: what `context` tells, then
/// the rest.
/// @param commitSeconds Length of the commit phase.
/// @param revealSeconds Length of the reveal phase.
/// @param turnSeconds Time each proposer has before the next seat's turn, and each publisher before the next one's slot.
/// @param checkpointSeconds Length of the checkpoint phase.
/// @param publishSeconds Length of the publish phase, at least `turnSeconds`; with one shard there is none.
/// @param shards Number of shards: 1 to 4,096.
/// @param seats Seats of each shard's committee.
/// @param laneBits Width of an update's lanes: 4, 8 or 16.
/// @param normBound Largest sum of squared lanes an update may have.
/// @param challengeSeconds How long a published model can be disputed before it is final.
/// @param quantumExponent `s` of the angles: delta = lane * 2^s in units of 4*pi / 2^32.
/// @param classicalExponent `s` of the weights: delta = lane * 2^s in units of 2^-24.
/// @param trimBps Share of the updates trimmed from each end of every coordinate, in 1/10000: 0 is the mean, 5000 the median.
/// @param updateRewardGwei Reward of each included update.
/// @param seatRewardGwei Reward of each attesting seat.
/// @param publisherRewardGwei Reward of the publisher; with one shard there is none.
struct RoundParameters {
    uint32 commitSeconds;
    uint32 revealSeconds;
    uint32 turnSeconds;
    uint32 checkpointSeconds;
    uint32 publishSeconds;
    uint16 shards;
    uint8 seats;
    uint8 laneBits;
    uint64 normBound;
    uint32 challengeSeconds;
    uint8 quantumExponent;
    uint8 classicalExponent;
    uint16 trimBps;
    uint64 updateRewardGwei;
    uint64 seatRewardGwei;
    uint64 publisherRewardGwei;
}

/// @notice The model that round 1 trains on, and the shape of every model after it.
/// @param modelRoot `Chunks` root over the model's lanes.
/// @param contentDigest sha256 of the model's content object.
/// @param architectureDigest sha256 of the architecture document.
/// @param quantumLength Number of angles in the model.
/// @param classicalLength Number of classical weights in the model.
struct ModelGenesis {
    bytes32 modelRoot;
    bytes32 contentDigest;
    bytes32 architectureDigest;
    uint32 quantumLength;
    uint32 classicalLength;
}

/// @notice What a committee attests: the result of one shard in one round.
/// @param round The round.
/// @param shard The shard.
/// @param turn Whose proposal it is: the proposer's seat. A seat signs at most one checkpoint for each turn.
/// @param count Number of included updates: the bits set in `included`.
/// @param baseRoot Root of the model the updates are based on.
/// @param included Bit `i` is set when the update revealed as number `i` is included.
/// @param updatesRoot `Chunks` root over (client, updateRoot, contentDigest, weight, angleClip, weightClip) of the included
/// updates, in reveal order; see `Chunks.updateData`.
/// @param aggregateRoot `Chunks` root over the aggregate's lanes.
/// @param contentDigest sha256 of the aggregate's content object.
/// @param revealsHash `IShard.revealsHash` of the round: all its reveals in their order, included or not.
/// @param parametersHash keccak256 of the round's `RoundParameters`, ABI-encoded: what is signed under one rule says nothing
/// under another that a reorganization may bring.
/// @param modelRoot `Chunks` root over the next model's lanes, where the round has one shard; else zero.
/// @param modelDigest sha256 of that model's content object; else zero.
struct Checkpoint {
    uint64 round;
    uint16 shard;
    uint8 turn;
    uint16 count;
    bytes32 baseRoot;
    uint256 included;
    bytes32 updatesRoot;
    bytes32 aggregateRoot;
    bytes32 contentDigest;
    bytes32 revealsHash;
    bytes32 parametersHash;
    bytes32 modelRoot;
    bytes32 modelDigest;
}

/// @notice What the beacon keeps of an accepted checkpoint.
/// @param digest EIP-712 digest of the checkpoint; zero while there is none.
/// @param attested Bit `i` is set when seat `i` signed.
/// @param acceptedAt When it was accepted.
/// @param count Number of included updates.
/// @param turn The turn it is of.
/// @param voided True after a proven fault.
struct CheckpointRecord {
    bytes32 digest;
    uint64 attested;
    uint40 acceptedAt;
    uint16 count;
    uint8 turn;
    bool voided;
}

/// @notice Life of a round. `Open` covers every phase up to publication; a round nobody completed in time is `Failed`.
enum RoundState {
    None,
    Open,
    Published,
    Final,
    Failed,
    Void
}

/// @notice A round, and the model it published.
/// @param seed Decides shards and committees.
/// @param baseRound The round whose model this one trains on; 0 is the genesis model.
/// @param parametersVersion Which parameters it runs under.
/// @param state Where it stands; a round past its deadlines reads as `Failed`.
/// @param commitEndsAt End of the commit phase.
/// @param revealEndsAt End of the reveal phase.
/// @param checkpointEndsAt End of the checkpoint phase, at the latest.
/// @param publishEndsAt End of the publish phase, at the latest.
/// @param checkpoints Number of shards with an accepted checkpoint.
/// @param checkpointedAt While it is open, when the last of these was accepted; else 0.
/// @param publisher The validator that published the model; 0 where the checkpoint of the only shard carried it.
/// @param publishedAt When it was published; of a failed round, when it failed (0 where nobody has said so yet).
/// @param modelRoot `Chunks` root over the model's lanes.
/// @param contentDigest sha256 of the model's content object.
/// @param checkpointsHash Running hash of the accepted checkpoints' digests in the order of acceptance, keccak256(hash so
/// far, digest), from zero; zero where the round has one shard.
struct Round {
    bytes32 seed;
    uint64 baseRound;
    uint16 parametersVersion;
    RoundState state;
    uint40 commitEndsAt;
    uint40 revealEndsAt;
    uint40 checkpointEndsAt;
    uint40 publishEndsAt;
    uint16 checkpoints;
    uint40 checkpointedAt;
    uint32 publisher;
    uint40 publishedAt;
    bytes32 modelRoot;
    bytes32 contentDigest;
    bytes32 checkpointsHash;
}

/// @notice What a round owes, in 10^9 wei each: two storage slots, so that a claim is cheap.
/// @param isFinal Whether it owes anything yet.
/// @param publisher To whom it owes `publisherRewardGwei`; 0: to nobody.
struct RewardTerms {
    bool isFinal;
    uint32 publisher;
    uint64 updateRewardGwei;
    uint64 seatRewardGwei;
    uint64 publisherRewardGwei;
}

/// @title All that a shard knows of the rest of the protocol: the beacon itself, or its mirror on another chain.
interface IBeaconView {
    /// @notice The current round.
    function context() external view returns (RoundContext memory);

    /// @notice A client's standing in the current round.
    /// @return active True for a bonded client that has not asked to leave.
    /// @return shard The shard it is assigned to in the current round.
    /// @return drawn Whether it has a place there: only who was bonded when the round opened, and a lottery decides when
    /// more clients want one than there are.
    /// @return key The key that speaks for it.
    function client(uint32 id) external view returns (bool active, uint16 shard, bool drawn, LmsKey memory key);

    /// @notice The shard a client belongs to in a round, and whether it has a place there, as in `client`. Whether it is active
    /// this does not say.
    function placeOf(uint64 round, uint32 clientId) external view returns (uint16 shard, bool drawn);

    /// @notice The validators in a committee's seats, in seat order.
    function committee(uint64 round, uint16 shard) external view returns (uint32[] memory validators);
}

/// @title Rounds, committees, checkpoints, the chain of models and its finality.
interface IBeacon is IBeaconView {
    /// @notice New parameters, used by the rounds opened from now on.
    event ParametersSet(uint16 indexed version, RoundParameters parameters);
    /// @notice A round opened; `IDraw.SeatsDrawn` says who sits in it.
    event RoundOpened(
        uint64 indexed round,
        uint64 indexed baseRound,
        bytes32 seed,
        uint16 parametersVersion,
        uint40 commitEndsAt,
        uint40 revealEndsAt,
        uint40 checkpointEndsAt,
        uint40 publishEndsAt
    );
    /// @notice A round ended without a model: its deadlines passed, or its checkpoint was voided.
    event RoundFailed(uint64 indexed round);
    /// @notice A shard's checkpoint was accepted.
    event CheckpointAccepted(
        uint64 indexed round,
        uint16 indexed shard,
        bytes32 indexed digest,
        uint64 attested,
        Checkpoint checkpoint
    );
    /// @notice A seat that the bundle left out showed that it attested the accepted checkpoint too.
    event AttestationAdded(uint64 indexed round, uint16 indexed shard, uint32 indexed validator, uint8 seat);
    /// @notice A shard's checkpoint was voided by a proven fault.
    event CheckpointVoided(uint64 indexed round, uint16 indexed shard);
    /// @notice The round's model was published: by `publisher`, or, where that is 0, with the checkpoint of the only shard.
    event ModelPublished(uint64 indexed round, uint32 indexed publisher, bytes32 modelRoot, bytes32 contentDigest);
    /// @notice A model was voided: by a proven fault, or because it builds on one that was.
    event ModelVoided(uint64 indexed round);
    /// @notice A model passed its challenge window.
    event ModelFinalized(uint64 indexed round);

    /// @notice Thrown when a round is still open.
    error RoundInProgress(uint64 round, uint40 phaseEndsAt);
    /// @notice Thrown when too many models wait for finality; settle some.
    error TooManyUnsettled(uint64 lastSettled, uint64 round);
    /// @notice Thrown when the shard's checkpoint was accepted already.
    error AlreadyCheckpointed(uint64 round, uint16 shard);
    /// @notice Thrown when the seat's attestation of the accepted checkpoint is known already.
    error AlreadyAttested(uint64 round, uint16 shard, uint8 seat);
    /// @notice Thrown when a checkpoint names the hash of other parameters than its round's.
    error WrongParameters(bytes32 expected);
    /// @notice Thrown when a checkpoint's turn is no seat, has not begun, or never began before its round was over.
    error WrongTurn(uint8 turn);
    /// @notice Thrown when a publication names scores.
    error UnexpectedScores(bytes32 scoresDigest);
    /// @notice Thrown when a checkpoint has root and digest of a model (or one of them) and the round has several shards,
    /// or has none and the round has one.
    error WrongModel(bool given);
    /// @notice Thrown when it is another validator's slot to publish in.
    error NotYourSlot(uint32 validator, uint32 publisher);
    /// @notice Thrown when a round is not in the state this needs.
    error WrongState(uint64 round, RoundState state, RoundState required);
    /// @notice Thrown when the challenge window is still open, or a demand holds the round up: then `finalAt` may be 2^256 - 1.
    error StillChallengeable(uint64 round, uint256 finalAt);
    /// @notice Thrown when the model this one builds on is not final yet.
    error BaseNotFinal(uint64 round, uint64 baseRound);
    /// @notice Thrown when the caller is not the disputes contract.
    error NotDisputes(address caller);

    /// @notice Set the parameters of the rounds opened from now on. Only the owner.
    /// @dev Assumes that each of `parameters.shards` shards has its `Shard` contract. Turns and checkpoint phase are no shorter
    /// than committees need to attest (`IQuorum.requireTime`).
    function setParameters(RoundParameters calldata parameters) external;

    /// @notice Open the next round on the latest good model. Anyone may, whenever no round is in progress.
    function openRound() external returns (uint64 round);

    /// @notice Accept a shard's checkpoint. Anyone may carry it. Where the round has one shard, the model that it names is
    /// published with it.
    /// @param bundle The committee's signatures over the EIP-712 digest of `checkpoint`.
    function submitCheckpoint(Checkpoint calldata checkpoint, bytes calldata bundle) external;

    /// @notice Count the attestation of a seat that the accepted checkpoint's bundle left out, until the model is final: it
    /// is rewarded like the others, and liable like them.
    /// @param keyIndex Which of the validator's keys signed; not retired before the checkpoint's turn began.
    /// @param signature The attestation of the checkpoint's digest, as `IQuorum.isAttestation` takes one.
    function addAttestation(uint64 round, uint16 shard, uint8 seat, uint32 keyIndex, bytes calldata signature) external;

    /// @notice Publish the round's model once every shard has a checkpoint, or the checkpoint phase has ended with at least
    /// one, in the slot of `validator` (`IDraw.publisherOf`). Not where the round has one shard.
    /// @param scoresDigest Zero: models are not scored.
    /// @param signature LMS of `validator` over `Publication(round, validator, modelRoot, contentDigest, scoresDigest,
    /// checkpointsHash)`, with the round's `checkpointsHash`.
    function publish(
        uint64 round,
        uint32 validator,
        bytes32 modelRoot,
        bytes32 contentDigest,
        bytes32 scoresDigest,
        bytes calldata signature
    ) external;

    /// @notice Make a model final once its challenge window has passed, no demand of the disputes contract holds its round
    /// up, and its base is final. Anyone may.
    function settle(uint64 round) external;

    /// @notice Void a checkpoint, and every model that builds on it. Only the disputes contract.
    function voidCheckpoint(uint64 round, uint16 shard) external;

    /// @notice Void a model, and every model that builds on it. Only the disputes contract.
    function voidModel(uint64 round) external;

    /// @notice A round and its model. Round 0 holds the genesis model, final from the start.
    function roundAt(uint64 round) external view returns (Round memory);
    /// @notice The number of the last round opened.
    function currentRound() external view returns (uint64);
    /// @notice The latest model that is neither void nor missing.
    function headRound() external view returns (uint64);
    /// @notice The highest round whose model is final.
    function finalRound() external view returns (uint64);
    /// @notice The parameters of one version.
    function parametersAt(uint16 version) external view returns (RoundParameters memory);
    /// @notice The parameters that a round runs under.
    function parametersOf(uint64 round) external view returns (RoundParameters memory);
    /// @notice The version that the next round will use.
    function parametersVersion() external view returns (uint16);
    /// @notice A shard's accepted checkpoint.
    function checkpointAt(uint64 round, uint16 shard) external view returns (CheckpointRecord memory);
    /// @notice What a round owes.
    function rewardTermsOf(uint64 round) external view returns (RewardTerms memory);
    /// @notice A turn of a round. Reverts where the round was over before it began: nothing can be attested in it then, and
    /// what a validator shows of its keys in the next round says nothing of it.
    function turnAt(uint64 round, uint8 number) external view returns (Turn memory);
    /// @notice EIP-712 digest of a checkpoint: what a seat signs.
    function checkpointDigest(Checkpoint calldata checkpoint) external view returns (bytes32);
    /// @notice Where participants are bonded.
    function staking() external view returns (IStaking);
    /// @notice Who sits where, and what seeds the rounds.
    function draw() external view returns (IDraw);
    /// @notice What verifies a committee's attestations.
    function quorum() external view returns (IQuorum);
    /// @notice The contract that may void checkpoints and models; zero while there is none.
    function disputes() external view returns (address);
    /// @notice Number of angles in the model.
    function quantumLength() external view returns (uint32);
    /// @notice Number of classical weights in the model.
    function classicalLength() external view returns (uint32);
    /// @notice sha256 of the architecture document.
    function architectureDigest() external view returns (bytes32);
}
