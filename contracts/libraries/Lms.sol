// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LmsKey} from "../interfaces/IStaking.sol";

/// @title LMS signatures over SHA-256/192: LMS_SHA256_M24_H{5,10,15} with LMOTS_SHA256_N24_W4.
/// @notice RFC 8554 (algorithms 4b and 6a) with the parameter sets of NIST SP 800-208 and RFC 9858.
/// @dev A signature is `u32 q | u32 otsType | C[24] | y[51][24] | u32 lmsType | path[height][24]`.
/// About 380 SHA-256 calls of 184 gas each are most of the cost, so the Winternitz chains are assembly: their hash
/// input lives in scratch space, every call writes its 24 bytes of output straight into the next call's input, and a
/// chain's steps are unrolled by powers of two.
library Lms {
    /// @notice Thrown when the SHA-256 precompile gives no 32-byte answer: too little gas, or no such precompile.
    /// @dev An unfinished verification must be neither "valid" nor "invalid".
    error Sha256Failed();

    uint256 private constant OTS_TYPE = 7;
    /// @dev LMS type codes 10, 11, 12 stand for heights 5, 10, 15: code = height / 5 + 9.
    uint256 private constant LMS_TYPE_BASE = 9;
    /// @dev Bytes of a signature before its path.
    uint256 private constant PATH_OFFSET = 1260;

    /// @notice Whether `signature` signs `message` under `key`. Malformed signatures and keys are invalid.
    /// @param message A digest that names contract, chain and purpose (EIP-712); LMS hashes it with `C`.
    function verify(LmsKey memory key, bytes32 message, bytes calldata signature) internal view returns (bool ok) {
        uint256 height = key.height;
        if (height != 5 && height != 10 && height != 15) return false;
        if (signature.length != PATH_OFFSET + 24 * height) return false;

        uint256 leaf = leafOf(signature);
        if (leaf >> height != 0) return false;
        if (uint32(bytes4(signature[4:8])) != OTS_TYPE) return false;
        if (uint32(bytes4(signature[1256:1260])) != LMS_TYPE_BASE + height / 5) return false;

        uint256 otsPublicKey = _otsPublicKey(key.identifier, leaf, message, signature);
        return bytes24(bytes32(_root(key.identifier, (1 << height) | leaf, otsPublicKey, signature))) == key.root;
    }

    /// @notice The leaf `q` a signature claims to use; 0 when it is too short to say.
    /// @dev Means nothing before `verify`.
    function leafOf(bytes calldata signature) internal pure returns (uint32) {
        return uint32(bytes4(signature));
    }

    // solhint-disable function-max-lines
    /// @dev RFC 8554 algorithm 4b: the one-time public key that `signature` implies, in the high 24 bytes.
    function _otsPublicKey(bytes16 identifier, uint256 leaf, bytes32 message, bytes calldata signature)
        private
        view
        returns (uint256 publicKey)
    {
        bytes4 failure = Sha256Failed.selector;
        assembly ("memory-safe") {
            // Every input begins with I | u32(q); the other bytes are 0 here, whatever the identifier's slack bytes hold.
            let prefix := or(shl(128, shr(128, identifier)), shl(96, leaf))
            // Free memory holds the message hash's input, and later K's: the 51 chain ends. Nothing of it is kept.
            let buffer := mload(0x40)

            // Q = H(I | q | u16(D_MESG) | C | message)
            mstore(buffer, or(prefix, shl(80, 0x8181)))
            mstore(add(buffer, 22), calldataload(add(signature.offset, 8)))
            mstore(add(buffer, 46), message)
            let done := staticcall(gas(), 2, buffer, 78, 0, 32)
            if iszero(and(eq(returndatasize(), 32), done)) {
                mstore(0, failure)
                revert(0, 4)
            }

            // digits = the 48 nibbles of Q, then the 3 of its checksum 48 * 15 - (their sum), then 52 zero bits.
            let digits := shl(64, shr(64, mload(0)))
            {
                let mask := 0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f
                let sums := add(and(digits, mask), and(shr(4, digits), mask))
                mask := 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff
                sums := add(and(sums, mask), and(shr(8, sums), mask))
                // 16-bit sums, none above 720: multiplying by ones adds them all up in the top one.
                sums := shr(240, mul(sums, 0x0001000100010001000100010001000100010001000100010001000100010001))
                digits := or(digits, shl(52, sub(720, sums)))
            }

            // Chain i: from y[i], hash I | q | u16(i) | u8(j) | tmp for j = digit .. 14.
            // Bytes 0 to 46 of scratch space are that input.
            mstore(buffer, or(prefix, shl(80, 0x8080)))
            mstore(0, prefix)
            let y := add(signature.offset, 32)
            let toEnds := sub(add(buffer, 22), y)
            for { let i := 0 } lt(i, 51) { i := add(i, 1) } {
                mstore8(21, i)
                mstore(23, calldataload(y))
                let j := shr(252, digits)
                // A step adds the call's own success to j, so that a failed call cannot pass for a step.
                if iszero(and(j, 8)) {
                    mstore8(22, j) j := add(j, staticcall(gas(), 2, 0, 47, 23, 24))
                    mstore8(22, j) j := add(j, staticcall(gas(), 2, 0, 47, 23, 24))
                    mstore8(22, j) j := add(j, staticcall(gas(), 2, 0, 47, 23, 24))
                    mstore8(22, j) j := add(j, staticcall(gas(), 2, 0, 47, 23, 24))
                    mstore8(22, j) j := add(j, staticcall(gas(), 2, 0, 47, 23, 24))
                    mstore8(22, j) j := add(j, staticcall(gas(), 2, 0, 47, 23, 24))
                    mstore8(22, j) j := add(j, staticcall(gas(), 2, 0, 47, 23, 24))
                    mstore8(22, j) j := add(j, staticcall(gas(), 2, 0, 47, 23, 24))
                }
                if iszero(and(j, 4)) {
                    mstore8(22, j) j := add(j, staticcall(gas(), 2, 0, 47, 23, 24))
                    mstore8(22, j) j := add(j, staticcall(gas(), 2, 0, 47, 23, 24))
                    mstore8(22, j) j := add(j, staticcall(gas(), 2, 0, 47, 23, 24))
                    mstore8(22, j) j := add(j, staticcall(gas(), 2, 0, 47, 23, 24))
                }
                if iszero(and(j, 2)) {
                    mstore8(22, j) j := add(j, staticcall(gas(), 2, 0, 47, 23, 24))
                    mstore8(22, j) j := add(j, staticcall(gas(), 2, 0, 47, 23, 24))
                }
                if iszero(and(j, 1)) {
                    mstore8(22, j) j := add(j, staticcall(gas(), 2, 0, 47, 23, 24))
                }
                mstore(add(y, toEnds), mload(23))
                // Where the chain ended goes into the nibble that its digit left free.
                digits := or(shl(4, digits), j)
                y := add(y, 24)
            }

            // K = H(I | q | u16(D_PBLC) | chain ends), of chains that all ended at 15.
            done := staticcall(gas(), 2, buffer, 1246, 0, 32)
            if iszero(and(eq(digits, sub(shl(204, 1), 1)), done)) {
                mstore(0, failure)
                revert(0, 4)
            }
            publicKey := mload(0)
        }
    }
    // solhint-enable function-max-lines

    /// @dev RFC 8554 algorithm 6a: the root over the one-time key at node `node`, in the high 24 bytes.
    function _root(bytes16 identifier, uint256 node, uint256 otsPublicKey, bytes calldata signature)
        private
        view
        returns (uint256 root)
    {
        bytes4 failure = Sha256Failed.selector;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            let clean := shl(128, shr(128, identifier))
            // H(I | u32(node) | u16(D_LEAF) | K)
            mstore(buffer, or(or(clean, shl(96, node)), shl(80, 0x8282)))
            mstore(add(buffer, 22), otsPublicKey)
            let done := staticcall(gas(), 2, buffer, 46, 0, 32)

            for { let sibling := add(signature.offset, PATH_OFFSET) } gt(node, 1) { sibling := add(sibling, 24) } {
                // H(I | u32(parent) | u16(D_INTR) | left | right): an odd node is its parent's right child.
                // Each store spills 8 bytes to its right, so the left child goes in first.
                let isRight := and(node, 1)
                node := shr(1, node)
                mstore(buffer, or(or(clean, shl(96, node)), shl(80, 0x8383)))
                switch isRight
                case 0 {
                    mstore(add(buffer, 22), mload(0))
                    mstore(add(buffer, 46), calldataload(sibling))
                }
                default {
                    mstore(add(buffer, 22), calldataload(sibling))
                    mstore(add(buffer, 46), mload(0))
                }
                done := and(done, staticcall(gas(), 2, buffer, 70, 0, 32))
            }
            if iszero(done) {
                mstore(0, failure)
                revert(0, 4)
            }
            root := mload(0)
        }
    }
}
