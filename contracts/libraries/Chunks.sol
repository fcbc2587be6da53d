// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Index-bound keccak Merkle trees over chunks of data.
/// @notice leaf(i, data) = keccak(0x00 | uint32(i) | data) and node = keccak(0x01 | left | right). Leaves are padded to
/// the next power of two with zeros that are not hashed, so a tree of `count` leaves has depth ceil(log2(count)), and
/// a path of any other length is refused: nothing but leaf `index` can pass for leaf `index`.
/// A leaf of lanes may be salted, data = lanes | salt, so that it can be opened without giving its neighbours away.
/// Leaves of lanes, salted ones, those of updates, those of clients and nodes are hashes of 37, 69, 73, 50 and 65 bytes:
/// none is another kind.
/// @dev Assumes 1 <= count <= 2^32.
library Chunks {
    /// @dev How much an included update counts: its weight (uint16), and what its angles and its weights were clipped by
    /// (uint32 each, with 16 fraction bits). All of them are one.
    bytes10 private constant ONES = 0x00010001000000010000;

    /// @notice Whether the 32 bytes of lanes `data` are leaf `index` of the `count` leaves under `root`.
    /// @param path The siblings, from the leaf up.
    function verify(
        bytes32 root,
        uint256 count,
        uint256 index,
        bytes32 data,
        bytes32[] calldata path
    ) internal pure returns (bool) {
        return _isUnder(root, count, index, laneLeaf(index, data), path);
    }

    /// @notice Whether `data`, of any length, is leaf `index` of the `count` leaves under `root`.
    /// @param path The siblings, from the leaf up.
    function verify(
        bytes32 root,
        uint256 count,
        uint256 index,
        bytes memory data,
        bytes32[] calldata path
    ) internal pure returns (bool) {
        return _isUnder(root, count, index, leafOf(index, data), path);
    }

    /// @notice The root over all of an unsalted vector's `chunks`, 32 bytes of lanes each.
    function unsaltedRootOf(bytes32[] calldata chunks) internal pure returns (bytes32) {
        return fold(_laneLeaves(chunks, 0));
    }

    /// @notice Whether `chunks` are the leaves of part `part` of an unsalted vector of `count` chunks: of the leaves from
    /// `part * 2^height` on, `2^height` of them or as many as there are.
    /// @dev Zeros that fill up the last part are no leaves, so they are not given; nor is there a path where there is only
    /// one part.
    /// @param path The siblings, from the node over the part up.
    function verifyPart(
        bytes32 root,
        uint256 count,
        uint256 height,
        uint256 part,
        bytes32[] calldata chunks,
        bytes32[] calldata path
    ) internal pure returns (bool) {
        uint256 parts = ((count - 1) >> height) + 1;
        bytes32 subroot = _foldTo(_laneLeaves(chunks, part << height), parts == 1 ? 0 : height);
        return _isUnder(root, parts, part, subroot, path);
    }

    /// @notice The root over all of a salted vector's `chunks`, 32 bytes of lanes each.
    /// @param seed What the salts come from: the salt of leaf `i` is keccak256(seed | uint32(i)), whatever the seed is.
    function saltedRootOf(bytes32[] calldata chunks, bytes32 seed) internal pure returns (bytes32) {
        bytes32[] memory leaves = new bytes32[](chunks.length);
        assembly ("memory-safe") {
            let leaf := add(leaves, 32)
            let toChunk := sub(chunks.offset, leaf)
            let count := chunks.length
            // Free memory: 27 bytes unused, then 0x00, uint32(i), lanes, salt. Scratch space: seed, uint32(i).
            let buffer := mload(0x40)
            mstore(0, seed)
            for {
                let i := 0
            } lt(i, count) {
                i := add(i, 1)
            } {
                mstore(32, shl(224, i))
                mstore(buffer, i)
                mstore(add(buffer, 32), calldataload(add(leaf, toChunk)))
                mstore(add(buffer, 64), keccak256(0, 36))
                mstore(leaf, keccak256(add(buffer, 27), 69))
                leaf := add(leaf, 32)
            }
        }
        return fold(leaves);
    }

    /// @notice The root over the hashes of all `leaves`, which it overwrites.
    function fold(bytes32[] memory leaves) internal pure returns (bytes32) {
        return _foldTo(leaves, 0);
    }

    /// @notice The leaf of 32 bytes of lanes.
    function laneLeaf(uint256 index, bytes32 data) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            // Scratch space: 27 bytes unused, then 0x00, uint32(index), data.
            mstore(0, and(index, 0xffffffff))
            mstore(32, data)
            hash := keccak256(27, 37)
        }
    }

    /// @notice The leaf of data of any length.
    function leafOf(uint256 index, bytes memory data) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0), uint32(index), data));
    }

    /// @notice The data of an included update's leaf, 78 bytes. Every update counts once, and as it is.
    function updateData(uint32 client, bytes32 updateRoot, bytes32 contentDigest) internal pure returns (bytes memory) {
        return abi.encodePacked(client, updateRoot, contentDigest, ONES);
    }

    /// @notice The parent of two nodes.
    function node(bytes32 left, bytes32 right) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore8(buffer, 1)
            mstore(add(buffer, 1), left)
            mstore(add(buffer, 33), right)
            hash := keccak256(buffer, 65)
        }
    }

    /// @dev The leaves of unsalted `chunks`, the first of which has number `first`.
    function _laneLeaves(bytes32[] calldata chunks, uint256 first) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](chunks.length);
        assembly ("memory-safe") {
            let leaf := add(leaves, 32)
            let toChunk := sub(chunks.offset, leaf)
            let end := add(first, chunks.length)
            for {
                let i := first
            } lt(i, end) {
                i := add(i, 1)
            } {
                mstore(0, i)
                mstore(32, calldataload(add(leaf, toChunk)))
                mstore(leaf, keccak256(27, 37))
                leaf := add(leaf, 32)
            }
        }
    }

    /// @dev The root over `leaves`, which it overwrites: of a tree that is as high as they need, or `height` if that is
    /// more. A node's children lie side by side, so that all they need is the prefix: it goes into the byte before, which
    /// belongs to the array's length, written anew, or to a child that has its parent already.
    function _foldTo(bytes32[] memory leaves, uint256 height) private pure returns (bytes32 root) {
        bytes32 padding = 0;
        uint256 width = leaves.length;
        for (uint256 level = 0; width > 1 || level < height; ++level) {
            uint256 pairs = width / 2;
            assembly ("memory-safe") {
                let parent := add(leaves, 32)
                let preimage := add(leaves, 31)
                let end := add(preimage, shl(6, pairs))
                for {} lt(preimage, end) {
                    preimage := add(preimage, 64)
                } {
                    mstore8(preimage, 1)
                    mstore(parent, keccak256(preimage, 65))
                    parent := add(parent, 32)
                }
                mstore(leaves, width)
            }
            if (width & 1 == 1) leaves[pairs] = node(leaves[width - 1], padding);
            // The node over nothing but padding, level by level.
            padding = node(padding, padding);
            width -= pairs;
        }
        assembly ("memory-safe") {
            root := mload(add(leaves, 32))
        }
    }

    function _isUnder(
        bytes32 root,
        uint256 count,
        uint256 index,
        bytes32 hash,
        bytes32[] calldata path
    ) private pure returns (bool) {
        uint256 depth = path.length;
        if (index >= count) return false;
        if ((count - 1) >> depth != 0 || (depth > 0 && (count - 1) >> (depth - 1) == 0)) return false;
        for (uint256 i = 0; i < depth; ++i) {
            hash = (index >> i) & 1 == 0 ? node(hash, path[i]) : node(path[i], hash);
        }
        return hash == root;
    }
}
