// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PrecompileFailed} from "../interfaces/Errors.sol";

/// @title BLS signatures over BLS12-381 with keys in G1 and signatures in G2, by the precompiles of EIP-2537.
/// @notice draft-irtf-cfrg-bls-signature, ciphersuite BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_; hashing to the curve
/// is RFC 9380.
/// @dev Points are as the precompiles take them: a field element is two words, the high one with 16 bytes of it; G1 is
/// x | y, G2 is x.c0 | x.c1 | y.c0 | y.c1. In calldata and storage an element has its 48 bytes only. Infinity is zeros.
/// @dev The additions check that points are on their curves, the pairing also that they are in the group. A failing
/// precompile is never an answer: 1/64 of the gas is left to revert with, whoever chose the gas.
library Bls {
    /// @notice Bytes of a public key: x | y.
    uint256 internal constant KEY_BYTES = 96;
    /// @notice Bytes of a signature: x.c0 | x.c1 | y.c0 | y.c1.
    uint256 internal constant SIGNATURE_BYTES = 192;
    /// @notice Separates signatures of messages from everything else that is hashed to the curve.
    bytes internal constant SIGNING_TAG = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
    /// @notice The same for proofs of possession, whose messages begin with the key: the message augmentation scheme's.
    bytes internal constant POSSESSION_TAG = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_AUG_";

    uint256 private constant SHA256 = 0x02;
    uint256 private constant MODEXP = 0x05;
    uint256 private constant G1_ADD = 0x0b;
    uint256 private constant G2_ADD = 0x0d;
    uint256 private constant PAIRING = 0x0f;
    uint256 private constant MAP_FP2_TO_G2 = 0x11;

    // The field's modulus, half of it rounded down, and the generator of G1 with its negated y.
    uint128 private constant P_HIGH = 0x1a0111ea397fe69a4b1ba7b6434bacd7;
    uint256 private constant P_LOW = 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;
    uint256 private constant HALF_HIGH = 0x0d0088f51cbff34d258dd3db21a5d66b;
    uint256 private constant HALF_LOW = 0xb23ba5c279c2895fb39869507b587b120f55ffff58a9ffffdcff7fffffffd555;
    uint256 private constant G1_X_HIGH = 0x17f1d3a73197d7942695638c4fa9ac0f;
    uint256 private constant G1_X_LOW = 0xc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb;
    uint256 private constant MINUS_G1_Y_HIGH = 0x114d1d6855d545a8aa7d76c8cf2e21f2;
    uint256 private constant MINUS_G1_Y_LOW = 0x67816aef1db507c96655b9d5caac42364e6f38ba0ecb751bad54dcd6b939c2ca;

    /// @notice Whether `signature` signs `message` under `key`; never under infinity, which "signs" everything.
    /// @dev Assumes that whoever brought `key` has proven possession of it, or of each key that it is the sum of.
    /// @param tag What the message is for: `SIGNING_TAG` or `POSSESSION_TAG`.
    function verify(
        uint256[4] memory key,
        bytes memory message,
        bytes memory tag,
        uint256[8] memory signature
    ) internal view returns (bool) {
        if (key[0] | key[1] | key[2] | key[3] == 0) return false;
        uint256[8] memory hashed = hashToG2(message, tag);
        uint256[24] memory pairs; // key, hash; minus the generator, signature
        for (uint256 i = 0; i < 4; ++i) pairs[i] = key[i];
        for (uint256 i = 0; i < 8; ++i) (pairs[4 + i], pairs[16 + i]) = (hashed[i], signature[i]);
        (pairs[12], pairs[13], pairs[14], pairs[15]) = (G1_X_HIGH, G1_X_LOW, MINUS_G1_Y_HIGH, MINUS_G1_Y_LOW);

        uint256[1] memory product;
        uint256 input;
        uint256 output;
        assembly ("memory-safe") {
            input := pairs
            output := product
        }
        _call(PAIRING, input, 0x300, output, 0x20);
        return product[0] == 1;
    }

    /// @notice Whether the chain has the precompiles: asked with points at infinity, which all of them take.
    function isSupported() internal view returns (bool) {
        uint256[16] memory zeros;
        uint256[8] memory result;
        uint256 input;
        uint256 output;
        assembly ("memory-safe") {
            input := zeros
            output := result
        }
        return
            _isAnswered(G1_ADD, input, 0x100, output, 0x80) &&
            _isAnswered(G2_ADD, input, 0x200, output, 0x100) &&
            _isAnswered(MAP_FP2_TO_G2, input, 0x80, output, 0x100) &&
            _isAnswered(PAIRING, input, 0x180, output, 0x20);
    }

    /// @notice Adds two points of G1 in place: `sum` holds both, and then their sum in its first half.
    /// @dev Warning: it does not check that they are in the group; `verify` does that for their sum, and proofs of
    /// possession for each key.
    function addG1(uint256[8] memory sum) internal view {
        bool isDone;
        assembly ("memory-safe") {
            isDone := staticcall(gas(), G1_ADD, sum, 0x100, sum, 0x80)
            isDone := and(isDone, eq(returndatasize(), 0x80))
        }
        if (!isDone) revert PrecompileFailed(G1_ADD);
    }

    /// @notice RFC 9380 section 3, `hash_to_curve` of BLS12381G2_XMD:SHA-256_SSWU_RO_.
    /// @param tag The domain separation tag, at most 255 bytes.
    function hashToG2(bytes memory message, bytes memory tag) internal view returns (uint256[8] memory point) {
        uint256[8] memory elements = _hashToField(message, tag);
        uint256[16] memory points;
        uint256 input;
        uint256 output;
        uint256 sum;
        assembly ("memory-safe") {
            input := elements
            output := points
            sum := point
        }
        _call(MAP_FP2_TO_G2, input, 0x80, output, 0x100);
        _call(MAP_FP2_TO_G2, input + 0x80, 0x80, output + 0x100, 0x100);
        _call(G2_ADD, output, 0x200, sum, 0x100);
    }

    /// @notice A key of `KEY_BYTES`, padded for the precompiles.
    function decodeKey(bytes calldata key) internal pure returns (uint256[4] memory point) {
        for (uint256 i = 0; i < 2; ++i) (point[2 * i], point[2 * i + 1]) = _element(key, i);
    }

    /// @notice A signature of `SIGNATURE_BYTES`, padded for the precompiles.
    function decodeSignature(bytes calldata signature) internal pure returns (uint256[8] memory point) {
        for (uint256 i = 0; i < 4; ++i) (point[2 * i], point[2 * i + 1]) = _element(signature, i);
    }

    /// @notice A key's 48 bytes in the ciphersuite's own serialisation, with which its proof of possession begins.
    function compress(uint256[4] memory key) internal pure returns (bytes memory) {
        bool isLarger = key[2] > HALF_HIGH || (key[2] == HALF_HIGH && key[3] > HALF_LOW);
        uint256 flags = isLarger ? 0xa0 << 120 : 0x80 << 120;
        return abi.encodePacked(uint128(key[0] | flags), key[1]);
    }

    function _element(bytes calldata elements, uint256 index) private pure returns (uint256 high, uint256 low) {
        uint256 start = 48 * index;
        high = uint128(bytes16(elements[start:start + 16]));
        low = uint256(bytes32(elements[start + 16:start + 48]));
    }

    /// @dev RFC 9380 section 5.2, `hash_to_field`: two elements of Fp2, each coordinate 64 uniform bytes modulo p.
    function _hashToField(bytes memory message, bytes memory tag) private view returns (uint256[8] memory elements) {
        bytes32[8] memory uniform = _expand(message, tag);
        // Of every call: lengths of base, exponent and modulus | base | exponent | modulus.
        bytes memory power = abi.encodePacked(uint256(64), uint256(1), uint256(48), uniform[0], uniform[1]);
        power = abi.encodePacked(power, uint8(1), P_HIGH, P_LOW);
        for (uint256 i = 0; i < 4; ++i) {
            uint256 input;
            uint256 output;
            assembly ("memory-safe") {
                input := add(power, 0x20)
                let base := add(uniform, mul(i, 0x40))
                mstore(add(input, 0x60), mload(base))
                mstore(add(input, 0x80), mload(add(base, 0x20)))
                output := add(elements, add(mul(i, 0x40), 0x10))
            }
            _call(MODEXP, input, power.length, output, 0x30);
        }
    }

    /// @dev RFC 9380 section 5.3.1, `expand_message_xmd` to 256 bytes.
    function _expand(bytes memory message, bytes memory tag) private view returns (bytes32[8] memory uniform) {
        bytes memory suffix = abi.encodePacked(tag, uint8(tag.length));
        bytes32 first = sha256(abi.encodePacked(bytes32(0), bytes32(0), message, uint16(256), uint8(0), suffix));
        bytes memory chained = abi.encodePacked(first, uint8(0), suffix); // of every call: a hash | a number | suffix
        bytes32 last = 0;
        for (uint256 i = 0; i < 8; ++i) {
            uint256 input;
            uint256 output;
            assembly ("memory-safe") {
                input := add(chained, 0x20)
                mstore(input, xor(first, last))
                mstore8(add(input, 0x20), add(i, 1))
                output := add(uniform, mul(i, 0x20))
            }
            _call(SHA256, input, chained.length, output, 0x20);
            last = uniform[i];
        }
    }

    function _call(
        uint256 precompile,
        uint256 input,
        uint256 inputBytes,
        uint256 output,
        uint256 outputBytes
    ) private view {
        if (!_isAnswered(precompile, input, inputBytes, output, outputBytes)) revert PrecompileFailed(precompile);
    }

    /// @dev A call to an address without code succeeds too, but returns nothing.
    function _isAnswered(
        uint256 precompile,
        uint256 input,
        uint256 inputBytes,
        uint256 output,
        uint256 outputBytes
    ) private view returns (bool isAnswered) {
        assembly ("memory-safe") {
            isAnswered := staticcall(gas(), precompile, input, inputBytes, output, outputBytes)
            isAnswered := and(isAnswered, eq(returndatasize(), outputBytes))
        }
    }
}
