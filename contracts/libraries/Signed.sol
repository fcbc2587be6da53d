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

    /// @notice The round with its published model. Reverts where there is none, or it is final or void.
    function published(IBeacon beacon, uint64 round) internal view returns (Round memory found) {
        found = beacon.roundAt(round);
        if (found.state != RoundState.Published) revert NotPublished(round);
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
