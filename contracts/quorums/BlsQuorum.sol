// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {MalformedBundle, NoSuchSeat} from "../interfaces/Errors.sol";
import {IQuorum, Turn} from "../interfaces/IQuorum.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Bls} from "../libraries/Bls.sol";
import {BlsKeys} from "./BlsKeys.sol";

/// @title A committee's attestations as one BLS signature: for large committees.
/// @notice Bundle: `uint64be mask | aggregate signature [192]`, then for each set bit, lowest first, where the seat's key
/// is: `uint16be page | u8 slot`, or `0xffff | key [96]` for one that is in no page.
/// @dev One pairing, and an addition for each seat that signed.
contract BlsQuorum is BlsKeys {
    /// @dev The page that was read last.
    struct OpenPage {
        uint256 number;
        address data;
        uint256 dead;
    }

    uint256 private constant KEYS_OFFSET = 8 + Bls.SIGNATURE_BYTES;
    uint256 private constant PLACE_BYTES = 3;

    constructor(IStaking staking_) BlsKeys(staking_) {
        if (!Bls.isSupported()) revert ChainLacksBls(block.chainid);
    }

    /// @inheritdoc IQuorum
    function verify(
        bytes32 digest,
        Turn calldata,
        uint32[] calldata committee,
        bytes calldata bundle
    ) external view returns (uint64 seatsMask) {
        if (bundle.length < KEYS_OFFSET) revert MalformedBundle();
        seatsMask = uint64(bytes8(bundle[:8]));
        if (uint256(seatsMask) >> committee.length != 0) revert NoSuchSeat(Math.log2(seatsMask), committee.length);
        uint256[4] memory key = _sumOfKeys(committee, seatsMask, bundle[KEYS_OFFSET:]);
        if (!_isSigned(digest, key, bundle[8:KEYS_OFFSET])) revert BadAggregate(seatsMask);
    }

    /// @inheritdoc IQuorum
    /// @dev All seats sign the same, so that it adds up; whose signature it is tells the key, which is nobody else's.
    /// @param signature The key, and its signature of `digest`: 96 and 192 bytes.
    function isAttestation(
        uint32 validator,
        uint8,
        uint32 keyIndex,
        bytes32 digest,
        Turn calldata,
        bytes calldata signature
    ) external view returns (bool) {
        if (signature.length != Bls.KEY_BYTES + Bls.SIGNATURE_BYTES) return false;
        bytes calldata key = signature[:Bls.KEY_BYTES];
        if (keccak256(key) != keyDigestAt[validator][keyIndex]) return false;
        return _isSigned(digest, Bls.decodeKey(key), signature[Bls.KEY_BYTES:]);
    }

    /// @inheritdoc IQuorum
    /// @dev A signature takes no time.
    function requireTime(uint32, uint32) external pure {}

    function _isSigned(bytes32 digest, uint256[4] memory key, bytes calldata signature) private view returns (bool) {
        return Bls.verify(key, abi.encodePacked(digest), Bls.SIGNING_TAG, Bls.decodeSignature(signature));
    }

    /// @dev The sum of the seats' keys. It is done 64 times over, so it reads calldata without slices.
    function _sumOfKeys(
        uint32[] calldata committee,
        uint256 seatsMask,
        bytes calldata keys
    ) private view returns (uint256[4] memory key) {
        uint256[8] memory sum; // of the keys so far; and the next key
        OpenPage memory page = OpenPage({number: NO_PAGE, data: address(0), dead: 0});
        uint256 cursor = 0;
        for (uint256 seat = 0; seatsMask >> seat != 0; ++seat) {
            if ((seatsMask >> seat) & 1 == 0) continue;
            uint256 validator;
            uint256 place;
            assembly ("memory-safe") {
                validator := calldataload(add(committee.offset, shl(5, seat)))
                place := shr(232, calldataload(add(keys.offset, cursor)))
            }
            if (place >> 8 == NO_PAGE) {
                cursor = _readGiven(keys, cursor + 2, uint32(validator), sum);
            } else {
                cursor += PLACE_BYTES;
                if (cursor > keys.length) revert MalformedBundle();
                if (place >> 8 != page.number) _open(page, place >> 8);
                if (_readPacked(page, place & 0xff, sum) != validator) revert NotCurrentKey(uint32(validator));
            }
            Bls.addG1(sum);
        }
        if (cursor != keys.length) revert MalformedBundle();
        (key[0], key[1], key[2], key[3]) = (sum[0], sum[1], sum[2], sum[3]);
    }

    /// @dev Reads a validator's key, which the bundle gives, into the second half of `sum`.
    function _readGiven(
        bytes calldata keys,
        uint256 begin,
        uint32 validator,
        uint256[8] memory sum
    ) private view returns (uint256 end) {
        end = begin + Bls.KEY_BYTES;
        if (end > keys.length) revert MalformedBundle();
        bytes calldata key = keys[begin:end];
        if (keccak256(key) != keyDigestOf(validator)) revert NotCurrentKey(validator);
        uint256[4] memory point = Bls.decodeKey(key);
        (sum[4], sum[5], sum[6], sum[7]) = (point[0], point[1], point[2], point[3]);
    }

    function _open(OpenPage memory page, uint256 number) private view {
        (page.number, page.data) = (number, _pages[number].data);
        page.dead = page.data == address(0) ? type(uint256).max : _dead[number];
    }

    /// @dev Reads an entry's key into the second half of `sum`.
    /// @return validator Whose key it is; nobody's, 0, when the entry does not count.
    function _readPacked(
        OpenPage memory page,
        uint256 slot,
        uint256[8] memory sum
    ) private view returns (uint256 validator) {
        assembly ("memory-safe") {
            // So that x is in its place: the validator ends up in the padding before it, y 16 bytes too early.
            let data := mload(add(page, 0x20))
            extcodecopy(data, add(sum, 0x8c), add(mul(slot, ENTRY_BYTES), 1), ENTRY_BYTES)
            let isDead := and(shr(slot, mload(add(page, 0x40))), 1)
            validator := mul(and(mload(add(sum, 0x70)), 0xffffffff), iszero(isDead))
            mstore(add(sum, 0x80), shr(128, shl(128, mload(add(sum, 0x80)))))
            mstore(add(sum, 0xe0), mload(add(sum, 0xd0)))
            mstore(add(sum, 0xc0), shr(128, mload(add(sum, 0xc0))))
        }
    }
}
