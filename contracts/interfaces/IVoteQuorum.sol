// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IQuorum} from "./IQuorum.sol";

/// @notice A hash chain of vote keys for one of a round's turns, as it stands.
/// @param tip A link of it that was shown here, one of the last; its anchor before the first.
/// @param round The round that this link is the key of; the one before `firstRound` for the anchor.
/// @param firstRound The first round that it has a key for.
/// @param retiredAt When another chain took its place (unix seconds); 0 while it is current.
struct VoteChain {
    bytes28 tip;
    uint32 round;
    uint32 firstRound;
    uint40 retiredAt;
}

/// @title Votes under keys that are shown later: post-quantum, for committees of any size.
/// @notice A seat's vote is `keccak256(digest [32] | key [28] | uint32be seat)`, with a key that only its validator knows.
/// Within a window from the beginning of a turn anybody posts the hash of a *list* of votes, keccak256 of one behind the
/// other. When the window is over the keys are shown, and a checkpoint brings them: whose vote is in a list that was posted in
/// time has voted, since nobody else knew the key until then.
/// @notice Keys are links of hash chains (`Links`), one of a round for each of its first `TURNS` turns, of which an LMS
/// signature names the anchors. A key shows all before it, whose windows are over too. In later turns seats attest by LMS,
/// and in all turns they can. A seat attests one digest in a turn, whichever way: two are an equivocation.
/// @dev Guy Fawkes signatures (Anderson et al. 1998) on hash chains (Lamport 1981).
/// @dev Assumes that a validator shows a key only where the end of its turn's window is final, and names no chain twice.
interface IVoteQuorum is IQuorum {
    /// @notice A validator named its chains of vote keys; those before, if any, are retired.
    event ChainsRegistered(uint32 indexed validator, uint32 keyIndex, bytes28[2] anchors, uint32 firstRound);
    /// @notice The hash of a list of votes was posted.
    event ListPosted(bytes32 indexed list);

    /// @notice Thrown when the hash of a list was posted before: the first time is what counts.
    error AlreadyPosted(bytes32 list, uint40 postedAt);
    /// @notice Thrown when a list was not posted before its turn's window was over; `postedAt` is 0 when it never was.
    error NotPostedInTime(bytes32 list, uint40 postedAt, uint40 windowEndsAt);
    /// @notice Thrown when votes are brought for a turn in which seats attest by LMS alone.
    error NoVoteKey(uint8 turn);

    /// @notice Name a validator's first chains of vote keys, or others in their place. Any account may carry this.
    /// @param anchors By turn: what the key of `firstRound` hashes to.
    /// @param signature LMS over `VoteChains(participant, first, second, firstRound, nonce)`: the validator's key of now, any
    /// leaf; `nonce` is how often it named chains before.
    function register(
        uint32 validator,
        bytes28[2] calldata anchors,
        uint32 firstRound,
        bytes calldata signature
    ) external;

    /// @notice Post the hash of a list of votes. Anyone may, as many as they like; of no use once its votes' window is over.
    /// @dev Nobody signs this: a list is worth what is in it, and nobody can put a seat's vote into one but the seat.
    /// @param list keccak256 of the votes, 32 bytes each.
    function postList(bytes32 list) external;

    /// @notice When a list was first posted (unix seconds); 0 where it never was.
    function postedAt(bytes32 list) external view returns (uint40);

    /// @notice How often a validator named its chains; the current ones are the last.
    function chainCount(uint32 validator) external view returns (uint32);

    /// @notice A turn's chain among those that a validator named; zeros where there never was one.
    function chainAt(uint32 validator, uint32 keyIndex, uint8 turn) external view returns (VoteChain memory);

    /// @notice What links are hashed with: keccak256(chain id, this contract).
    function linkDomain() external view returns (bytes32);

    /// @notice How long after a turn began lists of its votes may be posted (seconds).
    function voteSeconds() external view returns (uint32);

    /// @notice The shortest turn, and checkpoint phase: the window, and what it takes from there to the checkpoint (seconds).
    function leastTurnSeconds() external view returns (uint32);
}
