// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBlsQuorum} from "../interfaces/IBlsQuorum.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Bls} from "../libraries/Bls.sol";
import {Digest} from "../libraries/Digest.sol";
import {CodeData} from "../zk/CodeData.sol";
import {AttestedInTime} from "./AttestedInTime.sol";
import {OwnKeys} from "./OwnKeys.sol";

/// @title The keys that validators attest with, and the pages that hold them.
abstract contract BlsKeys is IBlsQuorum, OwnKeys {
    /// @dev One slot. `place` is `page << 8 | slot`, and holds while `isPacked`.
    struct Registration {
        uint32 keys;
        uint24 place;
        bool isPacked;
    }

    /// @dev One slot. `entries` are those that count.
    struct Page {
        address data;
        uint16 entries;
    }

    /// @notice A place that no key has.
    uint24 public constant NOT_PACKED = type(uint24).max;
    /// @notice Entries of the largest page: what fits into a contract's code (EIP-170).
    uint256 public constant MAX_ENTRIES = 245;
    /// @notice Bytes of an entry: the validator, and its key.
    uint256 internal constant ENTRY_BYTES = 100;
    /// @dev Instead of a page's number it says that the key itself follows.
    uint16 internal constant NO_PAGE = type(uint16).max;

    /// @inheritdoc IBlsQuorum
    mapping(uint32 validator => mapping(uint32 keyIndex => bytes32)) public keyDigestAt;
    /// @inheritdoc IBlsQuorum
    mapping(uint32 validator => mapping(uint32 keyIndex => uint40)) public keyRetiredAt;

    /// @inheritdoc IBlsQuorum
    uint256 public pageCount;

    mapping(uint256 page => Page) internal _pages;
    mapping(uint256 page => uint256 bitmap) internal _dead;
    mapping(uint32 validator => Registration) private _registrations;
    mapping(bytes32 keyDigest => bool) private _isTaken;

    constructor(IStaking staking_) AttestedInTime(staking_) {}

    /// @inheritdoc IBlsQuorum
    function register(
        uint32 validator,
        bytes calldata key,
        bytes calldata possession,
        bytes calldata signature
    ) external {
        _requireLength(key, Bls.KEY_BYTES);
        _requireLength(possession, Bls.SIGNATURE_BYTES);
        bytes32 digest = keccak256(key);
        if (_isTaken[digest]) revert KeyTaken(digest);
        Registration storage registered = _registrations[validator];
        uint32 keyIndex = registered.keys;
        bytes32 registration = Digest.blsKey(validator, digest, keyIndex);
        _requireSigned(validator, registration, signature);
        _requirePossessed(validator, registration, key, possession);

        if (registered.isPacked) _leave(registered);
        if (keyIndex != 0) keyRetiredAt[validator][keyIndex - 1] = uint40(block.timestamp);
        keyDigestAt[validator][keyIndex] = digest;
        _isTaken[digest] = true;
        registered.keys = keyIndex + 1;
        emit KeyRegistered(validator, keyIndex, key);
    }

    /// @inheritdoc IBlsQuorum
    function pack(bytes calldata entries) external returns (uint16 page) {
        uint256 count = entries.length / ENTRY_BYTES;
        if (count == 0 || count > MAX_ENTRIES || entries.length % ENTRY_BYTES != 0) {
            revert MalformedPage(entries.length);
        }
        if (pageCount == NO_PAGE) revert TooManyPages();
        page = uint16(pageCount);
        uint32 last = 0;
        for (uint256 slot = 0; slot < count; ++slot) {
            bytes calldata entry = entries[slot * ENTRY_BYTES:(slot + 1) * ENTRY_BYTES];
            uint32 validator = uint32(bytes4(entry[:4]));
            if (validator <= last) revert OutOfOrder(slot);
            if (keyDigestOf(validator) != keccak256(entry[4:])) revert NotCurrentKey(validator);
            _enter(validator, page, slot, count);
            last = validator;
        }

        address data = address(new CodeData(entries));
        pageCount = page + 1;
        _pages[page] = Page({data: data, entries: uint16(count)});
        _dead[page] = type(uint256).max << count;
        emit PagePacked(page, data, count);
    }

    /// @inheritdoc IBlsQuorum
    function keyDigestOf(uint32 validator) public view returns (bytes32) {
        uint32 keys = _registrations[validator].keys;
        return keys == 0 ? bytes32(0) : keyDigestAt[validator][keys - 1];
    }

    /// @inheritdoc IBlsQuorum
    function keyCount(uint32 validator) external view returns (uint32) {
        return _registrations[validator].keys;
    }

    /// @inheritdoc IBlsQuorum
    function placesOf(uint32[] calldata validators) external view returns (uint24[] memory places) {
        places = new uint24[](validators.length);
        for (uint256 i = 0; i < validators.length; ++i) {
            Registration storage registration = _registrations[validators[i]];
            places[i] = registration.isPacked ? registration.place : NOT_PACKED;
        }
    }

    /// @inheritdoc IBlsQuorum
    function pageAt(uint16 page) external view returns (address data, uint16 entries, uint256 dead) {
        return (_pages[page].data, _pages[page].entries, _dead[page]);
    }

    function _requireLength(bytes calldata value, uint256 expected) internal pure {
        if (value.length != expected) revert WrongLength(value.length, expected);
    }

    /// @dev Gives a key its place in a page of `count`.
    function _enter(uint32 validator, uint16 page, uint256 slot, uint256 count) private {
        Registration storage registration = _registrations[validator];
        if (registration.isPacked) {
            uint16 before = uint16(registration.place >> 8);
            if (_pages[before].entries >= count) revert BetterPlaced(validator, before);
            _leave(registration);
        }
        (registration.place, registration.isPacked) = ((uint24(page) << 8) | uint24(slot), true);
    }

    /// @dev From now on the place that the key had does not count.
    function _leave(Registration storage registration) private {
        uint256 page = registration.place >> 8;
        _dead[page] |= 1 << (registration.place & 0xff);
        --_pages[page].entries;
        registration.isPacked = false;
    }

    /// @dev The proof names whose the key is to be, so that nobody can register it before its owner with a copy.
    function _requirePossessed(
        uint32 validator,
        bytes32 registration,
        bytes calldata key,
        bytes calldata possession
    ) private view {
        uint256[4] memory point = Bls.decodeKey(key);
        bytes memory message = abi.encodePacked(Bls.compress(point), registration);
        bool isPossessed = Bls.verify(point, message, Bls.POSSESSION_TAG, Bls.decodeSignature(possession));
        if (!isPossessed) revert NotPossessed(validator);
    }

    function _retiredAt(uint32 validator, uint32 keyIndex, bytes calldata) internal view override returns (uint40) {
        return keyRetiredAt[validator][keyIndex];
    }
}
