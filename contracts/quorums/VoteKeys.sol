// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BadParameters, BadSignature, NotValidator} from "../interfaces/Errors.sol";
import {LmsKey} from "../interfaces/IStaking.sol";
import {IVoteQuorum, VoteChain} from "../interfaces/IVoteQuorum.sol";
import {Digest} from "../libraries/Digest.sol";
import {Links} from "../libraries/Links.sol";
import {Lms} from "../libraries/Lms.sol";
import {AttestedInTime} from "./AttestedInTime.sol";

/// @title Validators' chains of vote keys, one for each turn, and how far each was shown.
abstract contract VoteKeys is IVoteQuorum, AttestedInTime {
    /// @dev Which chains are current. One slot.
    struct Current {
        uint32 chains;
        uint32 firstRound;
    }

    /// @notice Turns of a round that have a vote key.
    uint8 public constant TURNS = 2;
    /// @dev Rounds between a key and what is known of its chain: bounds the gas.
    uint256 private constant MAX_LINKS = 4096;
    /// @dev Links that a key may be from the tip without becoming it. To store it costs as much as 50 links, which are hashed
    /// at each sitting until it is: who sits every round has its tip stored every 17th time, who sits every 16th round
    /// every other time.
    uint256 private constant NEAR = 16;

    /// @inheritdoc IVoteQuorum
    bytes32 public immutable linkDomain;

    /// @dev Of the current chains, `link [28] | uint32 round`: all that most keys need, in one slot.
    mapping(uint8 turn => mapping(uint32 validator => bytes32)) private _tips;
    mapping(uint32 validator => Current) private _current;
    mapping(uint32 validator => mapping(uint32 keyIndex => VoteChain[TURNS])) private _retired;

    constructor() {
        linkDomain = Links.domainOf(address(this));
    }

    /// @inheritdoc IVoteQuorum
    function register(
        uint32 validator,
        bytes28[2] calldata anchors,
        uint32 firstRound,
        bytes calldata signature
    ) external {
        if (firstRound == 0) revert BadParameters("firstRound", firstRound);
        uint32 keyIndex = _current[validator].chains;
        _requireSigned(validator, Digest.voteChains(validator, anchors, firstRound, keyIndex), signature);

        for (uint8 turn = 0; turn < TURNS; ++turn) {
            if (keyIndex != 0) {
                VoteChain memory replaced = _currentChain(validator, turn);
                replaced.retiredAt = uint40(block.timestamp);
                _retired[validator][keyIndex - 1][turn] = replaced;
            }
            _tips[turn][validator] = _pack(anchors[turn], firstRound - 1);
        }
        _current[validator] = Current({chains: keyIndex + 1, firstRound: firstRound});
        emit ChainsRegistered(validator, keyIndex, anchors, firstRound);
    }

    /// @inheritdoc IVoteQuorum
    function chainCount(uint32 validator) external view returns (uint32) {
        return _current[validator].chains;
    }

    /// @inheritdoc IVoteQuorum
    function chainAt(uint32 validator, uint32 keyIndex, uint8 turn) public view returns (VoteChain memory chain) {
        if (turn >= TURNS) return chain;
        if (uint256(keyIndex) + 1 != _current[validator].chains) return _retired[validator][keyIndex][turn];
        return _currentChain(validator, turn);
    }

    /// @dev Whether `key` is the one of a round and turn in the validator's current chain; if it is far ahead of the tip, it
    /// is the tip from now on. Whoever has a key may move the tip to it: it proves the earlier ones as well as the later ones.
    /// @dev A checkpoint does this up to 64 times, so the tip's slot is looked up once.
    function _takeKey(uint32 validator, bytes28 key, uint256 round, uint8 turn) internal returns (bool isKey) {
        mapping(uint32 => bytes32) storage tips = _tips[turn];
        bytes32 slot;
        bytes32 tip;
        uint256 links;
        assembly ("memory-safe") {
            mstore(0x00, validator)
            mstore(0x20, tips.slot)
            slot := keccak256(0x00, 0x40)
            tip := sload(slot)
            links := sub(round, and(tip, 0xffffffff))
        }
        // Not ahead of the tip is a key of this round in another shard, which is not often.
        if (links == 0 || links > MAX_LINKS) return _isKey(_currentChain(validator, turn), key, round);
        isKey = Links.before(key, linkDomain, links) == bytes28(tip);
        if (isKey && links > NEAR) {
            tip = _pack(key, round);
            assembly ("memory-safe") {
                sstore(slot, tip)
            }
        }
    }

    /// @dev Whether `key` is a chain's of a round. Up to the anchor everybody knows the links: they are no keys.
    function _isKey(VoteChain memory chain, bytes28 key, uint256 round) internal view returns (bool) {
        if (chain.firstRound == 0 || round < chain.firstRound) return false;
        if (round > chain.round) return _leads(key, chain.tip, round - chain.round);
        return _leads(chain.tip, key, chain.round - round);
    }

    /// @dev Reverts unless the current key of a validator signed `digest`.
    function _requireSigned(uint32 validator, bytes32 digest, bytes calldata signature) private view {
        LmsKey memory key = staking.validatorKey(validator);
        if (key.height == 0) revert NotValidator(validator);
        if (!Lms.verify(key, digest, signature)) revert BadSignature(validator);
    }

    function _leads(bytes28 link, bytes28 earlier, uint256 count) private view returns (bool) {
        return count <= MAX_LINKS && Links.before(link, linkDomain, count) == earlier;
    }

    function _currentChain(uint32 validator, uint8 turn) private view returns (VoteChain memory chain) {
        bytes32 tip = _tips[turn][validator];
        (chain.tip, chain.round) = (bytes28(tip), uint32(uint256(tip)));
        chain.firstRound = _current[validator].firstRound;
    }

    /// @dev Rounds have 32 bits in fact: they are counted from 1.
    function _pack(bytes28 link, uint256 round) private pure returns (bytes32) {
        return link | bytes32(uint256(uint32(round)));
    }
}
