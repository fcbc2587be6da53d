// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Chunks} from "../libraries/Chunks.sol";

/// @title Opens `Chunks` to the tests. Not part of a deployment.
contract ChunksHarness {
    /// @notice Whether 32 bytes of lanes are a leaf.
    function verifyLanes(
        bytes32 root,
        uint256 count,
        uint256 index,
        bytes32 data,
        bytes32[] calldata path
    ) external pure returns (bool) {
        return Chunks.verify(root, count, index, data, path);
    }

    /// @notice Whether bytes of any length are a leaf.
    function verifyBytes(
        bytes32 root,
        uint256 count,
        uint256 index,
        bytes memory data,
        bytes32[] calldata path
    ) external pure returns (bool) {
        return Chunks.verify(root, count, index, data, path);
    }

    /// @notice The root over a whole unsalted vector.
    function unsaltedRootOf(bytes32[] calldata chunks) external pure returns (bytes32) {
        return Chunks.unsaltedRootOf(chunks);
    }

    /// @notice The root over a whole salted vector.
    function saltedRootOf(bytes32[] calldata chunks, bytes32 seed) external pure returns (bytes32) {
        return Chunks.saltedRootOf(chunks, seed);
    }

    /// @notice Whether chunks are a part of an unsalted vector.
    function verifyPart(
        bytes32 root,
        uint256 count,
        uint256 height,
        uint256 part,
        bytes32[] calldata chunks,
        bytes32[] calldata path
    ) external pure returns (bool) {
        return Chunks.verifyPart(root, count, height, part, chunks, path);
    }
}
