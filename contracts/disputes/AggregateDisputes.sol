// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint, RoundParameters} from "../interfaces/IBeacon.sol";
import {Fault, IDisputes, Opening, RevealedUpdate} from "../interfaces/IDisputes.sol";
import {Aggregate} from "../libraries/Aggregate.sol";
import {Chunks} from "../libraries/Chunks.sol";
import {Content} from "../libraries/Content.sol";
import {Lanes} from "../libraries/Lanes.sol";
import {Judge} from "./Judge.sol";

/// @title Disputes about a shard's aggregate: is it the trimmed mean of the included updates?
abstract contract AggregateDisputes is Judge {
    /// @inheritdoc IDisputes
    function disputeAggregate(
        Checkpoint calldata checkpoint,
        uint32 coordinate,
        RevealedUpdate[] calldata updates,
        Opening[] calldata openings,
        Opening calldata aggregate
    ) external {
        uint64 attested = _attestersOf(checkpoint);
        if (coordinate >= _coordinates()) revert NoSuchCoordinate(coordinate, _coordinates());
        _requireUpdates(checkpoint, updates);
        _requireCount("openings", openings.length, updates.length);
        if (!_isOpen(aggregate, checkpoint.aggregateRoot, 32, coordinate / 8)) revert NotOpened("aggregate", 0);

        RoundParameters memory parameters = beacon.parametersOf(checkpoint.round);
        int256[] memory lanes = _openLanes(updates, openings, parameters.laneBits, coordinate);
        int32 mean = Aggregate.meanOfLanes(lanes, parameters.trimBps);
        if (mean == Lanes.laneAt(aggregate.data, 32, coordinate % 8)) revert AggregateIsRight(coordinate, mean);
        _convictCommittee(Fault.Aggregate, checkpoint, attested);
    }

    /// @inheritdoc IDisputes
    function disputeWholeAggregate(
        Checkpoint calldata checkpoint,
        RevealedUpdate[] calldata updates,
        bytes32[][] calldata lanes,
        bytes32[] calldata seeds
    ) external {
        uint64 attested = _attestersOf(checkpoint);
        _requireUpdates(checkpoint, updates);
        _requireCount("lanes", lanes.length, updates.length);
        _requireCount("seeds", seeds.length, updates.length);

        RoundParameters memory parameters = beacon.parametersOf(checkpoint.round);
        uint256 chunks = Lanes.chunksFor(_coordinates(), parameters.laneBits);
        for (uint256 i = 0; i < updates.length; ++i) {
            _requireCount("lanes", lanes[i].length, chunks);
            if (!_isUpdate(lanes[i], seeds[i], updates[i].updateRoot)) revert NotOpened("lanes", i);
        }
        bytes32[] memory means = _meansOf(lanes, parameters.laneBits, parameters.trimBps);
        bytes32 digest = Content.digestOfAggregate(checkpoint, _quantumLength, _classicalLength, means);
        bytes32 root = Chunks.rootOf(means);
        if (root == checkpoint.aggregateRoot && digest == checkpoint.contentDigest) revert ContentIsRight(root, digest);
        _convictCommittee(Fault.Aggregate, checkpoint, attested);
    }

    /// @dev Checks that `updates` are all that the checkpoint includes, in its order.
    function _requireUpdates(Checkpoint calldata checkpoint, RevealedUpdate[] calldata updates) internal pure {
        _requireCount("updates", updates.length, checkpoint.count);
        if (_rootOf(updates) != checkpoint.updatesRoot) revert NotOpened("updates", 0);
    }

    function _rootOf(RevealedUpdate[] calldata updates) internal pure returns (bytes32) {
        bytes32[] memory leaves = new bytes32[](updates.length);
        for (uint256 i = 0; i < updates.length; ++i) {
            leaves[i] = Chunks.leafOf(i, _leafData(updates[i]));
        }
        return Chunks.fold(leaves);
    }

    function _leafData(RevealedUpdate calldata update) internal pure returns (bytes memory) {
        return abi.encodePacked(update.client, update.updateRoot, update.contentDigest);
    }

    /// @dev Whether `chunks` are all of an update under `root`. Whether it is salted the deployment says, and no seed.
    function _isUpdate(bytes32[] calldata chunks, bytes32 seed, bytes32 root) internal view returns (bool) {
        if (isPrivate) return Chunks.saltedRootOf(chunks, seed) == root;
        return seed == 0 && Chunks.unsaltedRootOf(chunks) == root;
    }

    /// @dev Whether `opening` is chunk `index` of an update with lanes of `bits` under `root`.
    function _isOpenUpdate(
        Opening calldata opening,
        bytes32 root,
        uint256 bits,
        uint256 index
    ) private view returns (bool) {
        if (!isPrivate) return _isOpen(opening, root, bits, index);
        bytes memory salted = abi.encodePacked(opening.data, opening.salt);
        return Chunks.verify(root, Lanes.chunksFor(_coordinates(), bits), index, salted, opening.path);
    }

    /// @dev The lane of each update at `coordinate`.
    function _openLanes(
        RevealedUpdate[] calldata updates,
        Opening[] calldata openings,
        uint256 bits,
        uint256 coordinate
    ) private view returns (int256[] memory lanes) {
        lanes = new int256[](updates.length);
        uint256 perChunk = 256 / bits;
        for (uint256 i = 0; i < updates.length; ++i) {
            if (!_isOpenUpdate(openings[i], updates[i].updateRoot, bits, coordinate / perChunk)) {
                revert NotOpened("openings", i);
            }
            lanes[i] = Lanes.laneAt(openings[i].data, bits, coordinate % perChunk);
        }
    }

    /// @dev The whole aggregate, as chunks, of updates that all have their right number of chunks.
    function _meansOf(
        bytes32[][] calldata updates,
        uint256 bits,
        uint16 trimBps
    ) private view returns (bytes32[] memory means) {
        uint256 coordinates = _coordinates();
        uint256 perChunk = 256 / bits;
        means = new bytes32[](Lanes.chunksFor(coordinates, 32));
        bytes32[] memory chunks = new bytes32[](updates.length);
        int256[] memory lanes = new int256[](updates.length);
        for (uint256 i = 0; i < coordinates; ++i) {
            if (i % perChunk == 0) {
                for (uint256 k = 0; k < chunks.length; ++k) chunks[k] = updates[k][i / perChunk];
            }
            Lanes.lanesAt(chunks, bits, i % perChunk, lanes);
            means[i / 8] |= Lanes.place(Aggregate.meanOfLanes(lanes, trimBps), i % 8);
        }
    }
}
