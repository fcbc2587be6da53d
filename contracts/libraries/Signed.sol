// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NoCheckpoint, NotAccepted, NotOpened, NotPublished} from "../interfaces/Errors.sol";
import {Checkpoint, CheckpointRecord, IBeacon, Round, RoundState} from "../interfaces/IBeacon.sol";
import {RevealedUpdate} from "../interfaces/IShard.sol";
import {Chunks} from "./Chunks.sol";

/// @title What somebody has signed for, and the beacon took: what can be disputed or demanded.
library Signed {
    /// @notice What the beacon keeps of `checkpoint`. Reverts unless it is the accepted one, and stands.
    function acceptedAs(
        IBeacon beacon,
        Checkpoint calldata checkpoint
    ) internal view returns (CheckpointRecord memory record) {
        record = beacon.checkpointAt(checkpoint.round, checkpoint.shard);
        if (record.digest == 0 || record.voided) revert NoCheckpoint(checkpoint.round, checkpoint.shard);
        if (record.digest != beacon.checkpointDigest(checkpoint)) {
            revert NotAccepted(checkpoint.round, checkpoint.shard);
        }
    }

    /// @notice The round with its published model. Reverts unless somebody is liable for it.
    function published(IBeacon beacon, uint64 round) internal view returns (Round memory found) {
        found = beacon.roundAt(round);
        if (!isLiable(beacon, round, found)) revert NotPublished(round);
    }

    /// @notice Whether somebody is liable for a round's model: while it is published and not final; and where a checkpoint
    /// carried it, also when it fell with a model that it builds on, for as long as nothing was proven of the checkpoint.
    function isLiable(IBeacon beacon, uint64 round, Round memory found) internal view returns (bool) {
        if (found.state == RoundState.Published) return true;
        bool isCarried = found.state == RoundState.Void && found.publisher == 0;
        return isCarried && !beacon.checkpointAt(round, 0).voided;
    }

    /// @notice Checks that `update` is number `position` of those that the checkpoint includes.
    /// @param path From the update to the checkpoint's `updatesRoot`.
    function requireIncluded(
        Checkpoint calldata checkpoint,
        uint16 position,
        RevealedUpdate calldata update,
        bytes32[] calldata path
    ) internal pure {
        bytes memory leaf = Chunks.updateData(update.client, update.updateRoot, update.contentDigest);
        if (!Chunks.verify(checkpoint.updatesRoot, checkpoint.count, position, leaf, path)) {
            revert NotOpened("update", position);
        }
    }
}
