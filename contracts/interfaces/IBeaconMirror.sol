// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBeaconView} from "./IBeacon.sol";
import {IHashChains} from "./IHashChains.sol";
import {LmsKey} from "./IStaking.sol";

/// @notice What a shard needs to know of one round of the beacon. Five storage slots.
/// @param round The round.
/// @param previous The round that the mirror shows until then; 0 for the first message.
/// @param shard The shard whose mirror this is for.
/// @param shards How many shards the round has.
/// @param seats How many seats each committee has.
/// @param laneBits Width of an update's lanes: 4, 8 or 16.
/// @param turnSeconds Time each proposer has before the next seat's turn.
/// @param commitEndsAt End of the commit phase.
/// @param revealEndsAt End of the reveal phase.
/// @param checkpointEndsAt End of the checkpoint phase, at the latest.
/// @param normBound Largest sum of squared lanes an update may have.
/// @param clientCount How many clients are under `clientsRoot`.
/// @param seed Decides which client is in which shard.
/// @param baseRoot Root of the model the round trains on.
/// @param clientsRoot `Chunks` root over (id, identifier, root, height, anchor, firstRound) of all active clients at the end
/// of the block that opened the round, ascending by id; zero when there are none.
struct MirroredRound {
    uint64 round;
    uint64 previous;
    uint16 shard;
    uint16 shards;
    uint8 seats;
    uint8 laneBits;
    uint32 turnSeconds;
    uint40 commitEndsAt;
    uint40 revealEndsAt;
    uint40 checkpointEndsAt;
    uint64 normBound;
    uint32 clientCount;
    bytes32 seed;
    bytes32 baseRoot;
    bytes32 clientsRoot;
}

/// @notice A seat of the shard's committee, and the key its validator had when the round opened.
struct MirrorSeat {
    uint32 validator;
    LmsKey key;
}

/// @notice What changes a mirror. A function of the beacon's history alone, so that every honest seat signs the same.
/// @param round What the mirror shows from now on.
/// @param revoked The clients that were active when `round.previous` opened, and are not, or have another key
/// or hash chain, now.
/// @param committee The shard's committee in the round, in seat order: it signs the next message.
struct MirrorMessage {
    MirroredRound round;
    uint32[] revoked;
    MirrorSeat[] committee;
}

/// @notice A committee that may sign the next message.
/// @param round The mirrored round that it sits in.
/// @param opensAt From when it may (unix seconds); 0 for the sitting one, which always may.
struct Handover {
    uint64 round;
    uint40 opensAt;
}

/// @title The beacon as a shard on another chain sees it: changed only by messages that a mirrored committee signed.
/// @notice The first message is the deployer's: it is this chain's genesis, and anyone can compare it with the beacon.
/// Each later one is signed by two thirds of the committee in the message before, with LMS, whatever the beacon counts
/// its checkpoints with. Where that committee stays silent, earlier ones may sign, one more with every turn that passes.
/// @dev Warning: all that a false mirror can do is to waste its shard's time. The beacon accepts checkpoints from its own
/// committees alone, and a seat that finds a message unlike the beacon takes no part.
interface IBeaconMirror is IBeaconView, IHashChains {
    /// @notice The mirror shows another round; `signers` is the round whose committee signed it, 0 for the first message.
    /// @dev Message and bundle are all that a proof against its signers takes, whichever contract carried them.
    event RoundMirrored(
        uint64 indexed round,
        uint64 indexed previous,
        uint64 signers,
        bytes32 digest,
        MirrorMessage message,
        bytes bundle
    );
    /// @notice A client was proven to be active; its hash chain is what `anchorOf` says from now on.
    event ClientAdmitted(uint32 indexed id, LmsKey key);
    /// @notice A client that was admitted is not active any more, or has another key or hash chain.
    event ClientRevoked(uint32 indexed id);
    /// @notice Somebody says that this validator signs the message with this digest. Checked off chain, and on chain
    /// with the bundle.
    event Countersigned(uint64 indexed round, uint32 indexed validator, uint8 seat, bytes32 digest, bytes signature);

    /// @notice Thrown when the caller is not the deployer.
    error NotDeployer(address caller);
    /// @notice Thrown when the first message was there already.
    error AlreadyBegun(uint64 round);
    /// @notice Thrown when the first message is still missing.
    error NotBegun();
    /// @notice Thrown when a message's round is not later than the one that is shown.
    error RoundNotLater(uint64 given, uint64 mirrored);
    /// @notice Thrown when a message follows another round than the one that is shown.
    error WrongPrevious(uint64 given, uint64 mirrored);
    /// @notice Thrown when a message skips more rounds than a mirror is ever behind.
    error RoundTooFar(uint64 given, uint64 furthest);
    /// @notice Thrown when the phases of a message's round do not end one after the other.
    error WrongDeadlines();
    /// @notice Thrown when the last of the earlier committees may sign only in more than 366 days.
    error EndsTooLate(uint256 opensAt);
    /// @notice Thrown when a message's committee has not as many seats as its round, or none, or more than 64.
    error WrongCommittee(uint256 given, uint8 seats);
    /// @notice Thrown when the mirror never showed that round, or for another shard's committee.
    error NotMirrored(uint64 round, uint16 shard);
    /// @notice Thrown when a committee is too many messages old to sign.
    error CommitteeTooOld(uint64 signers, uint64 mirrored);
    /// @notice Thrown when the time of an earlier committee has not come.
    error HandoverNotOpen(uint64 signers, uint40 opensAt);
    /// @notice Thrown when a client was admitted already.
    error AlreadyAdmitted(uint32 id);
    /// @notice Thrown when a client with this key and hash chain is not at that position under `clientsRoot`.
    error NotAClient(uint32 id, uint256 position);

    /// @notice Show a first round. Only the deployer, once.
    function begin(MirrorMessage calldata message) external;

    /// @notice Show a later round. Anyone may carry it.
    /// @param signers The mirrored round whose committee signed: the one that is shown, or, where that committee stays
    /// silent, an earlier one whose time has come (`handovers`).
    /// @param bundle LMS signatures of that committee over the EIP-712 digest of `message`, as for `LmsQuorum`.
    function advance(MirrorMessage calldata message, uint64 signers, bytes calldata bundle) external;

    /// @notice Announce a signature under a message. Not verified here: the bundle is.
    /// @param seat The validator's in the committee that it signs for.
    function countersign(uint64 round, uint32 validator, uint8 seat, bytes32 digest, bytes calldata signature) external;

    /// @notice Prove that a client is active; it stays admitted until a message revokes it. Anyone may carry it.
    /// @param anchor The end of its hash chain; zero: none.
    /// @param firstRound The round that the chain's first two links are for.
    /// @param position The client's place among the active clients, ascending by id.
    /// @param path `Chunks` path of (id, identifier, root, height, anchor, firstRound) at `position` to `clientsRoot`.
    function admit(
        uint32 id,
        LmsKey calldata key,
        bytes28 anchor,
        uint32 firstRound,
        uint256 position,
        bytes32[] calldata path
    ) external;

    /// @notice What is shown now; all zeros before the first message.
    function mirrored() external view returns (MirroredRound memory);

    /// @notice The committee that a round was mirrored with, and the keys its seats sign messages with.
    function sitting(uint64 round) external view returns (MirrorSeat[] memory seats);

    /// @notice The committees that may sign the next message, latest first.
    function handovers() external view returns (Handover[] memory);

    /// @notice Which of these clients are admitted: bit `i` of the answer stands for `ids[i]`, of 256 at most.
    function admitted(uint32[] calldata ids) external view returns (uint256 bitmap);

    /// @notice EIP-712 digest of a message to this mirror: what a seat signs.
    function messageDigest(MirrorMessage calldata message) external view returns (bytes32);

    /// @notice Which shard this is the mirror of.
    function shardIndex() external view returns (uint16);

    /// @notice Who may send the first message.
    function deployer() external view returns (address);
}
