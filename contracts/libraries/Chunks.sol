// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Index-bound keccak Merkle trees over chunks of data.
/// @notice leaf(i, data) = keccak(0x00 | uint32(i) | data) and node = keccak(0x01 | left | right). Leaves are padded to
/// the next power of two with zeros that are not hashed, so a tree of `count` leaves has depth ceil(log2(count)), and
/// a path of any other length is refused: nothing but leaf `index` can pass for leaf `index`.
/// @dev Assumes 1 <= count <= 2^32.
library Chunks {
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
        return _isUnder(root, count, index, keccak256(abi.encodePacked(bytes1(0), uint32(index), data)), path);
    }

    /// @notice The root over all of a vector's `chunks`, 32 bytes of lanes each.
    function rootOf(bytes32[] calldata chunks) internal pure returns (bytes32) {
        uint256 width = chunks.length;
        bytes32[] memory nodes = new bytes32[](width);
        for (uint256 i = 0; i < width; ++i) {
            nodes[i] = laneLeaf(i, chunks[i]);
        }
        // `padding` is the node over nothing but padding, level by level.
        for (bytes32 padding = 0; width > 1; padding = node(padding, padding)) {
            uint256 parents = (width + 1) / 2;
            for (uint256 i = 0; i < parents; ++i) {
                nodes[i] = node(nodes[2 * i], 2 * i + 1 < width ? nodes[2 * i + 1] : padding);
            }
            width = parents;
        }
        return nodes[0];
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
