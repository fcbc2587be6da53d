// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BadParameters, BadSignature, NotValidator} from "../interfaces/Errors.sol";
import {LmsKey} from "../interfaces/IStaking.sol";
import {IVoteQuorum, VoteChain} from "../interfaces/IVoteQuorum.sol";
import {Digest} from "../libraries/Digest.sol";
import {Links} from "../libraries/Links.sol";
import {Lms} from "../libraries/Lms.sol";
import {AttestedInTime} from "./AttestedInTime.sol";

/// @title Validators' chains of vote keys, and how far each was shown.
abstract contract VoteKeys is IVoteQuorum, AttestedInTime {
    /// @dev Which chain is current. One slot.
    struct Current {
        uint32 chains;
        uint32 firstRound;
    }

    /// @notice Turns of a round that have a vote key.
    uint256 public constant TURNS = 2;
    /// @dev Links between a key and what is known of its chain: bounds the gas. 2,048 rounds.
    uint256 private constant MAX_LINKS = 4096;
    /// @dev Links that a key may be from the tip without becoming it. To store it costs as much as 50 links, which are hashed
    /// at each sitting until it is: who sits every round has its tip stored every 17th time, who sits every 16th round
    /// every other time.
    uint256 private constant NEAR = 32;

    /// @inheritdoc IVoteQuorum
    bytes32 public immutable linkDomain;

    /// @dev Of the current chains, `link [28] | uint32 position`: all that most keys need, in one slot.
    mapping(uint32 validator => bytes32) private _tips;
    mapping(uint32 validator => Current) private _current;
    mapping(uint32 validator => mapping(uint32 keyIndex => VoteChain)) private _retired;

    constructor() {
        linkDomain = Links.domainOf(address(this));
    }

    /// @inheritdoc IVoteQuorum
    function register(uint32 validator, bytes28 anchor, uint32 firstRound, bytes calldata signature) external {
        if (firstRound > type(uint32).max / TURNS) revert BadParameters("firstRound", firstRound);
        uint32 keyIndex = _current[validator].chains;
        _requireSigned(validator, Digest.voteChain(validator, anchor, firstRound, keyIndex), signature);

        if (keyIndex != 0) {
            VoteChain memory replaced = chainAt(validator, keyIndex - 1);
            replaced.retiredAt = uint40(block.timestamp);
            _retired[validator][keyIndex - 1] = replaced;
        }
        _tips[validator] = _pack(anchor, TURNS * firstRound);
        _current[validator] = Current({chains: keyIndex + 1, firstRound: firstRound});
        emit ChainRegistered(validator, keyIndex, anchor, firstRound);
    }

    /// @inheritdoc IVoteQuorum
    function chainCount(uint32 validator) external view returns (uint32) {
        return _current[validator].chains;
    }

    /// @inheritdoc IVoteQuorum
    function chainAt(uint32 validator, uint32 keyIndex) public view returns (VoteChain memory chain) {
        if (uint256(keyIndex) + 1 != _current[validator].chains) return _retired[validator][keyIndex];
        return _currentChain(validator);
    }

    /// @dev Whether `key` is the key at `position` of the validator's current chain; if it is far ahead of the tip, it is the
    /// tip from now on. Whoever has a key may move the tip to it: it proves the earlier ones as well as the later ones.
    /// @dev A checkpoint does this up to 64 times, so the tip's slot is looked up once.
    function _takeKey(uint32 validator, bytes28 key, uint256 position) internal returns (bool isKey) {
        bytes32 slot;
        bytes32 tip;
        uint256 links;
        assembly ("memory-safe") {
            mstore(0x00, validator)
            mstore(0x20, _tips.slot)
            slot := keccak256(0x00, 0x40)
            tip := sload(slot)
            links := sub(position, and(tip, 0xffffffff))
        }
        // Not ahead of the tip is a key of this round in another shard, or of its first turn after the second: neither is often.
        if (links == 0 || links > MAX_LINKS) return _isKey(_currentChain(validator), key, position);
        isKey = Links.before(key, linkDomain, links) == bytes28(tip);
        if (isKey && links > NEAR) {
            tip = _pack(key, position);
            assembly ("memory-safe") {
                sstore(slot, tip)
            }
        }
    }

    /// @dev Whether `key` is the one at `position` of a chain. Up to the anchor everybody knows the links: they are no keys.
    function _isKey(VoteChain memory chain, bytes28 key, uint256 position) internal view returns (bool) {
        if (position <= TURNS * chain.firstRound) return false;
        if (position > chain.position) return _leads(key, chain.tip, position - chain.position);
        return _leads(chain.tip, key, chain.position - position);
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

    function _currentChain(uint32 validator) private view returns (VoteChain memory chain) {
        bytes32 tip = _tips[validator];
        (chain.tip, chain.position) = (bytes28(tip), uint32(uint256(tip)));
        chain.firstRound = _current[validator].firstRound;
    }

    /// @dev Positions have 32 bits in fact: rounds are counted from 1.
    function _pack(bytes28 link, uint256 position) private pure returns (bytes32) {
        return link | bytes32(uint256(uint32(position)));
    }
}
