// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {BadParameters, MalformedBundle, NoSuchSeat} from "../interfaces/Errors.sol";
import {IQuorum, Turn} from "../interfaces/IQuorum.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {IVoteQuorum} from "../interfaces/IVoteQuorum.sol";
import {Bits} from "../libraries/Bits.sol";
import {AttestedInTime} from "./AttestedInTime.sol";
import {LmsAttestations} from "./LmsAttestations.sol";
import {VoteKeys} from "./VoteKeys.sol";

/// @title A committee's attestations as votes in a posted list, or as LMS signatures.
/// @notice Bundle: a byte that says what follows. 0, votes: `uint64be listed | uint64be shown`, then for each seat in
/// `listed`, lowest first, its key [28] where it is in `shown`, else its vote [32]. 1: what `LmsQuorum` takes.
/// @notice Attestation: 0 `| key [28] | uint8 place`, then the votes of a list, among which the seat's is at `place`; or 1 and
/// what `LmsQuorum` takes. Which key it is under is counted among the validator's vote chains, or among its LMS keys.
contract VoteQuorum is VoteKeys, LmsAttestations {
    /// @dev What a bundle of votes is about.
    struct Ballot {
        bytes32 digest;
        uint256 round;
        uint8 turn;
        uint256 listed;
        uint256 shown;
    }

    bytes1 private constant VOTES = 0x00;
    bytes1 private constant SIGNATURES = 0x01;
    uint256 private constant MASKS_BYTES = 16;
    uint256 private constant KEY_BYTES = 28;
    uint256 private constant VOTE_BYTES = 32;

    /// @inheritdoc IVoteQuorum
    uint32 public immutable voteSeconds;
    /// @inheritdoc IVoteQuorum
    uint32 public immutable leastTurnSeconds;
    /// @inheritdoc IVoteQuorum
    mapping(bytes32 list => uint40) public postedAt;

    /// @param voteSeconds_ How long lists may be posted in a turn.
    /// @param showSeconds_ How long it takes from there until that is final and keys and checkpoint are in a block, at least.
    constructor(IStaking staking_, uint32 voteSeconds_, uint32 showSeconds_) AttestedInTime(staking_) {
        if (voteSeconds_ == 0) revert BadParameters("voteSeconds", voteSeconds_);
        if (showSeconds_ == 0) revert BadParameters("showSeconds", showSeconds_);
        (voteSeconds, leastTurnSeconds) = (voteSeconds_, voteSeconds_ + showSeconds_);
    }

    /// @inheritdoc IQuorum
    function requireTime(uint32 turnSeconds, uint32 checkpointSeconds) external view {
        if (turnSeconds < leastTurnSeconds) revert BadParameters("turnSeconds", turnSeconds);
        if (checkpointSeconds < leastTurnSeconds) revert BadParameters("checkpointSeconds", checkpointSeconds);
    }

    /// @inheritdoc IVoteQuorum
    function postList(bytes32 list) external {
        uint40 before = postedAt[list];
        if (before != 0) revert AlreadyPosted(list, before);

        postedAt[list] = uint40(block.timestamp);
        emit ListPosted(list);
    }

    /// @inheritdoc IQuorum
    /// @dev A key that is not its seat's loses that seat. A list that the bundle is not of was never posted.
    function verify(
        bytes32 digest,
        Turn calldata turn,
        uint32[] calldata committee,
        bytes calldata bundle
    ) external returns (uint64 seatsMask) {
        bytes1 kind = _kindOf(bundle);
        if (kind == SIGNATURES) return _signersOf(digest, 0, committee, bundle[1:]);
        if (kind != VOTES) revert MalformedBundle();
        return _votersOf(digest, turn, committee, bundle[1:]);
    }

    /// @inheritdoc IQuorum
    function isAttestation(
        uint32 validator,
        uint8 seat,
        uint32 keyIndex,
        bytes32 digest,
        Turn calldata turn,
        bytes calldata signature
    ) external view returns (bool) {
        bytes1 kind = _kindOf(signature);
        if (kind == SIGNATURES) return _isSigned(validator, seat, keyIndex, digest, signature[1:]);
        if (kind != VOTES || signature.length < 2 + KEY_BYTES + VOTE_BYTES) return false;
        bytes28 key = bytes28(signature[1:]);
        uint256 place = uint8(signature[1 + KEY_BYTES]);
        bytes calldata list = signature[2 + KEY_BYTES:];
        if (list.length < VOTE_BYTES * (place + 1)) return false;
        if (bytes32(list[VOTE_BYTES * place:]) != _voteOf(digest, key, seat)) return false;
        if (turn.number >= TURNS) revert NoVoteKey(turn.number);
        return _isInTime(keccak256(list), turn) && _isKey(chainAt(validator, keyIndex, turn.number), key, turn.round);
    }

    /// @dev The seats whose vote the shown keys open, of a list that was posted in time.
    function _votersOf(
        bytes32 digest,
        Turn calldata turn,
        uint32[] calldata committee,
        bytes calldata votes
    ) private returns (uint64 voters) {
        if (votes.length < MASKS_BYTES) revert MalformedBundle();
        if (turn.number >= TURNS) revert NoVoteKey(turn.number);
        uint256 listed = uint64(bytes8(votes));
        uint256 shown = uint64(bytes8(votes[8:]));
        if (listed >> committee.length != 0) revert NoSuchSeat(Math.log2(listed), committee.length);
        uint256 count = Bits.count(listed);
        uint256 length = MASKS_BYTES + VOTE_BYTES * count - (VOTE_BYTES - KEY_BYTES) * Bits.count(shown);
        if (shown & ~listed != 0 || votes.length != length) revert MalformedBundle();
        Ballot memory ballot = Ballot({
            digest: digest,
            round: turn.round,
            turn: turn.number,
            listed: listed,
            shown: shown
        });
        bytes32[] memory list = new bytes32[](count);
        uint256 cursor;
        assembly ("memory-safe") {
            cursor := add(votes.offset, MASKS_BYTES)
        }
        voters = _openVotes(ballot, committee, cursor, list);
        _requireInTime(list, turn);
    }

    /// @dev Makes the list again, and takes the keys that are shown, from `cursor` in the call's data on. Both are as long as
    /// the ballot says: what is done up to 64 times over reads and writes without bounds.
    function _openVotes(
        Ballot memory ballot,
        uint32[] calldata committee,
        uint256 cursor,
        bytes32[] memory list
    ) private returns (uint64 voters) {
        uint256 listed = ballot.listed;
        unchecked {
            for (uint256 seat = 0; listed >> seat != 0; ++seat) {
                if ((listed >> seat) & 1 == 0) continue;
                bytes32 vote;
                assembly ("memory-safe") {
                    vote := calldataload(cursor)
                    list := add(list, 0x20)
                }
                cursor += VOTE_BYTES;
                if ((ballot.shown >> seat) & 1 != 0) {
                    cursor -= VOTE_BYTES - KEY_BYTES;
                    bytes28 key = bytes28(vote);
                    vote = _voteOf(ballot.digest, key, seat);
                    bool isKey = _takeKey(_validatorIn(committee, seat), key, ballot.round, ballot.turn);
                    if (isKey) voters |= uint64(1 << seat);
                }
                assembly ("memory-safe") {
                    mstore(list, vote)
                }
            }
        }
    }

    function _retiredAt(
        uint32 validator,
        uint32 keyIndex,
        bytes calldata signature
    ) internal view override returns (uint40) {
        if (_kindOf(signature) == SIGNATURES) return staking.keyRetiredAt(validator, keyIndex);
        return chainAt(validator, keyIndex, 0).retiredAt;
    }

    function _requireInTime(bytes32[] memory list, Turn calldata turn) private view {
        bytes32 listHash;
        assembly ("memory-safe") {
            listHash := keccak256(add(list, 0x20), shl(5, mload(list)))
        }
        if (!_isInTime(listHash, turn)) revert NotPostedInTime(listHash, postedAt[listHash], _windowEndsAt(turn));
    }

    function _isInTime(bytes32 list, Turn calldata turn) private view returns (bool) {
        uint40 at = postedAt[list];
        return at != 0 && at < _windowEndsAt(turn);
    }

    function _windowEndsAt(Turn calldata turn) private view returns (uint40) {
        return turn.beganAt + voteSeconds;
    }

    function _voteOf(bytes32 digest, bytes28 key, uint256 seat) private pure returns (bytes32 vote) {
        assembly ("memory-safe") {
            mstore(0x00, digest)
            // Solidity leaves in the key's last four bytes what was read with it.
            mstore(0x20, or(shl(32, shr(32, key)), seat))
            vote := keccak256(0x00, 0x40)
        }
    }

    function _validatorIn(uint32[] calldata committee, uint256 seat) private pure returns (uint32 validator) {
        assembly ("memory-safe") {
            validator := and(calldataload(add(committee.offset, shl(5, seat))), 0xffffffff)
        }
    }

    /// @dev 0xff for nothing, which is no kind.
    function _kindOf(bytes calldata given) private pure returns (bytes1) {
        return given.length == 0 ? bytes1(0xff) : given[0];
    }
}
