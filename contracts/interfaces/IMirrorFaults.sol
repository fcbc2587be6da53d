// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBeacon} from "./IBeacon.sol";
import {MirrorMessage} from "./IBeaconMirror.sol";
import {IStaking} from "./IStaking.sol";

/// @notice Where a shard's mirror is.
struct MirrorAddress {
    uint256 chainId;
    address mirror;
}

/// @title Proofs that a seat told its shard's mirror what the beacon does not say.
/// @notice A contract beside `Disputes`, since both do not fit into one: it judges, and `Disputes` slashes. It reads the
/// beacon alone, so the lie is proven wherever the mirror is, and whether or not the mirror took it.
/// @dev Assumes that the beacon's chain does not take back a round after a seat has signed for it: an honest seat signs only
/// what the beacon says, and what it said on a fork that was dropped is false here.
/// @dev What it cannot see: the clients' root and count, and who was revoked, which follow from all events until the
/// round's opening; and which message a mirror shows. Everything else of a message is compared.
interface IMirrorFaults {
    /// @notice Thrown when the shard has no mirror.
    error NoMirror(uint16 shard);
    /// @notice Thrown when a message says nothing that the beacon contradicts.
    error MirrorMessageIsRight(uint64 round);

    /// @notice Prove that the validator in a seat signed a false message for its shard's mirror, and have it slashed: once
    /// for each shard and round that it lies about. A round that the beacon has not opened yet is false.
    /// @param message The message; its shard says which mirror it is for.
    /// @param signers A round in which the shard's committee had the validator.
    /// @param seat Its seat there.
    /// @param keyIndex Which of the validator's keys signed: its current one, or one that was retired less than
    /// `unbondingSeconds` ago, so that an old key need not be guarded for longer than a stake is liable.
    /// @param signature LMS over the EIP-712 digest of `message` in the mirror's domain.
    function disputeMirrorMessage(
        MirrorMessage calldata message,
        uint64 signers,
        uint8 seat,
        uint32 keyIndex,
        bytes calldata signature
    ) external;

    /// @notice Whether the beacon contradicts a message. One about a committee that was never drawn is false once its round is
    /// over; before, it reverts with `CommitteeNotDrawn`, and anybody may draw the rest (`IDraw.drawSeats`).
    function isFalse(MirrorMessage calldata message) external view returns (bool);
    /// @notice Whether a validator was slashed for a message of that round to the shard's mirror.
    function proven(uint64 round, uint16 shard, uint32 validator) external view returns (bool);
    /// @notice EIP-712 domain of the shard's mirror; zero where it has none.
    function domainOf(uint16 shard) external view returns (bytes32);
    /// @notice The contract that holds rounds and committees.
    function beacon() external view returns (IBeacon);
    /// @notice The contract that holds validators' keys.
    function staking() external view returns (IStaking);
}
