// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint} from "../interfaces/IBeacon.sol";

/// @title The content objects of aggregates and models, byte for byte what `qfl/protocol/content.py` writes.
/// @notice A 64-byte header, then the lanes. Big endian: magic "QFLC" | version u8 | kind u8 | lane bits u8 | flags u8
/// | round u64 | shard u16 | count u16 | author u32 | quantum u32 | classical u32 | base root [32].
library Content {
    /// @dev Magic and version; kind 2 is an aggregate, 3 a model; 32-bit lanes; no flags.
    bytes8 private constant AGGREGATE = hex"51464c4301022000";
    bytes8 private constant MODEL = hex"51464c4301032000";

    /// @notice sha256 of the content object of a checkpoint's aggregate.
    /// @param quantum Number of angles in the model.
    /// @param classical Number of weights in the model.
    /// @param chunks The aggregate's lanes.
    function digestOfAggregate(
        Checkpoint calldata checkpoint,
        uint32 quantum,
        uint32 classical,
        bytes32[] calldata chunks
    ) internal pure returns (bytes32) {
        bytes20 subject = bytes20(abi.encodePacked(AGGREGATE, checkpoint.round, checkpoint.shard, checkpoint.count));
        return _digest(subject, quantum, classical, checkpoint.baseRoot, chunks);
    }

    /// @notice sha256 of the content object of a round's model.
    /// @param baseRoot Root of the model before it.
    function digestOfModel(
        uint64 round,
        uint32 quantum,
        uint32 classical,
        bytes32 baseRoot,
        bytes32[] calldata chunks
    ) internal pure returns (bytes32) {
        bytes20 subject = bytes20(abi.encodePacked(MODEL, round, uint32(0)));
        return _digest(subject, quantum, classical, baseRoot, chunks);
    }

    /// @param subject The header up to its author, who is nobody.
    function _digest(
        bytes20 subject,
        uint32 quantum,
        uint32 classical,
        bytes32 baseRoot,
        bytes32[] calldata chunks
    ) private pure returns (bytes32) {
        bytes memory object = abi.encodePacked(subject, uint32(0), quantum, classical, baseRoot, chunks);
        // The last chunk's padding is no part of the object.
        uint256 length = 64 + 4 * (uint256(quantum) + classical);
        assembly ("memory-safe") {
            mstore(object, length)
        }
        return sha256(object);
    }
}
