// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BadSignature, NotCurrentRound, NotValidator, WrongPhase} from "../interfaces/Errors.sol";
import {IBeaconView, Phase, RoundContext} from "../interfaces/IBeacon.sol";
import {IStaking, LmsKey, Participant, Role} from "../interfaces/IStaking.sol";
import {Digest} from "../libraries/Digest.sol";
import {Lms} from "../libraries/Lms.sol";

/// @title Flat voting: every validator verifies every update, and votes alone.
/// @notice What `qfl bench consensus` compares the protocol with. It is no part of the protocol: nothing in it reads
/// what is accepted here. Clients, stakes, rounds and updates are those of the real contracts.
/// @dev No cheaper than it has to be, and no dearer: a bit and a counter for each vote, and one LMS verification.
contract FlatVoting {
    /// @notice A validator voted for a result.
    event Voted(uint64 indexed round, uint32 indexed validator, bytes32 modelRoot, bytes32 contentDigest);
    /// @notice Two thirds of the validators have voted for a result.
    event Accepted(uint64 indexed round, bytes32 modelRoot, bytes32 contentDigest, uint256 votes);

    /// @notice Thrown when the validator voted in this round already.
    error AlreadyVoted(uint64 round, uint32 validator);

    /// @notice Where rounds come from.
    IBeaconView public immutable beacon;
    /// @notice Where the validators and their keys are.
    IStaking public immutable staking;

    /// @notice Votes for a result, which is keccak256(abi.encode(modelRoot, contentDigest)).
    mapping(uint64 round => mapping(bytes32 result => uint256 votes)) public votesFor;
    /// @notice The result that was accepted; zero while there is none.
    mapping(uint64 round => bytes32 result) public acceptedIn;
    /// @dev A bit for each validator.
    mapping(uint64 round => mapping(uint256 word => uint256 bits)) private _voted;

    constructor(IBeaconView beacon_, IStaking staking_) {
        (beacon, staking) = (beacon_, staking_);
    }

    /// @notice Vote for a round's next model. Anyone may carry it.
    /// @param signature LMS of `validator` over `Publication(round, validator, modelRoot, contentDigest)` in this
    /// contract's domain.
    function vote(
        uint64 round,
        uint32 validator,
        bytes32 modelRoot,
        bytes32 contentDigest,
        bytes calldata signature
    ) external {
        RoundContext memory context = beacon.context();
        if (round != context.round) revert NotCurrentRound(round, context.round);
        if (context.phase != Phase.Checkpoint) revert WrongPhase(uint8(context.phase), uint8(Phase.Checkpoint));
        _spendVote(round, validator);
        bytes32 digest = Digest.publication(round, validator, modelRoot, contentDigest, 0, 0);
        if (!Lms.verify(_keyOf(validator), digest, signature)) revert BadSignature(validator);

        bytes32 result = keccak256(abi.encode(modelRoot, contentDigest));
        uint256 votes = ++votesFor[round][result];
        emit Voted(round, validator, modelRoot, contentDigest);
        if (3 * votes >= 2 * uint256(staking.activeValidators()) && acceptedIn[round] == 0) {
            acceptedIn[round] = result;
            emit Accepted(round, modelRoot, contentDigest, votes);
        }
    }

    function _spendVote(uint64 round, uint32 validator) private {
        uint256 bits = _voted[round][validator >> 8];
        uint256 bit = 1 << (validator & 255);
        if (bits & bit != 0) revert AlreadyVoted(round, validator);
        _voted[round][validator >> 8] = bits | bit;
    }

    function _keyOf(uint32 validator) private view returns (LmsKey memory) {
        Participant memory member = staking.participant(validator);
        if (member.role != Role.Validator || member.exitableAt != 0) revert NotValidator(validator);
        return LmsKey({identifier: member.identifier, root: member.root, height: member.height});
    }
}
