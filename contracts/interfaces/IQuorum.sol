// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IStaking} from "./IStaking.sol";

/// @title Verifies a committee's attestations of one digest.
/// @notice Whose key is which is the implementation's to know: a validator may attest with another key than it bonded.
interface IQuorum {
    /// @notice Verify the attestations in `bundle`.
    /// @param digest What the committee attests. Where signatures can be told apart, each seat signs it together with its
    /// validator and its number.
    /// @param committee The validator in each seat.
    /// @param bundle The signatures; their layout is the implementation's.
    /// @return seatsMask Bit `i` is set when seat `i` signed, validly. Where signatures can be told apart, a bad one loses
    /// its own seat and no other.
    function verify(
        bytes32 digest,
        uint32[] calldata committee,
        bytes calldata bundle
    ) external view returns (uint64 seatsMask);

    /// @notice Whether `signature` is the attestation of `digest` by a validator in a seat, under a key it has or had.
    /// @param keyIndex Which of the validator's keys: 0 is its first. No signature is good under a key that never was.
    /// @param signature One attestation; its layout is the implementation's.
    function isAttestation(
        uint32 validator,
        uint8 seat,
        uint32 keyIndex,
        bytes32 digest,
        bytes calldata signature
    ) external view returns (bool);

    /// @notice Reverts unless `signature` is such an attestation in a round whose reveals ended at `revealEndsAt` (unix
    /// seconds). A key that was retired before says nothing of it; and one that was retired `unbondingSeconds` ago says nothing
    /// at all any more, so that it need not be guarded for longer than a stake is liable.
    function requireAttested(
        uint32 validator,
        uint8 seat,
        uint32 keyIndex,
        bytes32 digest,
        bytes calldata signature,
        uint40 revealEndsAt
    ) external view;

    /// @notice When a key stopped attesting for the validator (unix seconds).
    /// @return retiredAt 0 while the key is current, and for a key that never was.
    function keyRetiredAt(uint32 validator, uint32 keyIndex) external view returns (uint40 retiredAt);

    /// @notice Where the validators are.
    function staking() external view returns (IStaking);
}
