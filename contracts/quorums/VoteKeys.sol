// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IVoteQuorum, VoteChain} from "../interfaces/IVoteQuorum.sol";
import {Digest} from "../libraries/Digest.sol";
import {Links} from "../libraries/Links.sol";
import {OwnKeys} from "./OwnKeys.sol";

/// @title Validators' chains of vote keys, and how far each was shown.
abstract contract VoteKeys is IVoteQuorum, OwnKeys {
    /// @dev Of a current chain. One slot, all that most keys need.
    struct Tip {
        bytes28 link;
        uint32 position;
    }

    /// @dev Which chain is current. One slot.
    struct Current {
        uint32 chains;
        uint32 firstRound;
    }

    /// @notice Turns of a round that have a vote key.
    uint256 public constant TURNS = 2;
    /// @dev Links between a key and what is known of its chain: bounds the gas. 2,048 rounds.
    uint256 private constant MAX_LINKS = 4096;

    /// @inheritdoc IVoteQuorum
    bytes32 public immutable linkDomain;

    mapping(uint32 validator => Tip) private _tips;
    mapping(uint32 validator => Current) private _current;
    mapping(uint32 validator => mapping(uint32 keyIndex => VoteChain)) private _retired;

    constructor() {
        linkDomain = Links.domainOf(address(this));
    }

    /// @inheritdoc IVoteQuorum
    function register(uint32 validator, bytes28 anchor, uint32 firstRound, bytes calldata signature) external {
        uint32 keyIndex = _current[validator].chains;
        _requireSigned(validator, Digest.voteChain(validator, anchor, firstRound, keyIndex), signature);

        if (keyIndex != 0) {
            VoteChain memory replaced = chainAt(validator, keyIndex - 1);
            replaced.retiredAt = uint40(block.timestamp);
            _retired[validator][keyIndex - 1] = replaced;
        }
        // No round is so late that this overflows: they are counted from 1.
        _tips[validator] = Tip({link: anchor, position: uint32(TURNS * firstRound)});
        _current[validator] = Current({chains: keyIndex + 1, firstRound: firstRound});
        emit ChainRegistered(validator, keyIndex, anchor, firstRound);
    }

    /// @inheritdoc IVoteQuorum
    function chainCount(uint32 validator) external view returns (uint32) {
        return _current[validator].chains;
    }

    /// @inheritdoc IVoteQuorum
    function chainAt(uint32 validator, uint32 keyIndex) public view returns (VoteChain memory chain) {
        Current memory current = _current[validator];
        if (uint256(keyIndex) + 1 != current.chains) return _retired[validator][keyIndex];
        Tip memory tip = _tips[validator];
        (chain.tip, chain.position, chain.firstRound) = (tip.link, tip.position, current.firstRound);
    }

    /// @dev Whether `key` is the key at `position` of the validator's current chain; if it is beyond the tip, it is the tip
    /// from now on. Whoever has a key may move the tip to it: it proves the earlier ones as well as the later ones.
    function _takeKey(uint32 validator, bytes28 key, uint256 position) internal returns (bool isKey) {
        Tip memory tip = _tips[validator];
        // Of this round in another shard, or of its first turn after the second: neither is often.
        if (position <= tip.position) return _isKey(chainAt(validator, _current[validator].chains - 1), key, position);
        isKey = _leads(key, tip.link, position - tip.position);
        if (isKey) _tips[validator] = Tip({link: key, position: uint32(position)});
    }

    /// @dev Whether `key` is the one at `position` of a chain. Up to the anchor everybody knows the links: they are no keys.
    function _isKey(VoteChain memory chain, bytes28 key, uint256 position) internal view returns (bool) {
        if (position <= TURNS * chain.firstRound) return false;
        if (position > chain.position) return _leads(key, chain.tip, position - chain.position);
        return _leads(chain.tip, key, chain.position - position);
    }

    function _leads(bytes28 link, bytes28 earlier, uint256 count) private view returns (bool) {
        return count <= MAX_LINKS && Links.before(link, linkDomain, count) == earlier;
    }
}
