// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IStaking} from "./IStaking.sol";

/// @notice When a committee attests: a proposer's turn in a round.
/// @param round The round.
/// @param number The turn: the proposer's seat.
/// @param beganAt When it began (unix seconds). A checkpoint of this turn is taken from then on.
struct Turn {
    uint64 round;
    uint8 number;
    uint40 beganAt;
}

/// @title Verifies a committee's attestations of one digest.
/// @notice Whose key is which is the implementation's to know: a validator may attest with another key than it bonded.
interface IQuorum {
    /// @notice Verify the attestations in `bundle`. Anyone may: what is kept of it is true whoever calls.
    /// @param digest What the committee attests, each seat in its own name: together with its validator or its number.
    /// @param turn The turn that the digest is of.
    /// @param committee The validator in each seat.
    /// @param bundle The attestations; their layout is the implementation's.
    /// @return seatsMask Bit `i` is set when seat `i` attested, validly. A bad attestation loses its own seat and no other.
    function verify(
        bytes32 digest,
        Turn calldata turn,
        uint32[] calldata committee,
        bytes calldata bundle
    ) external returns (uint64 seatsMask);

    /// @notice Whether `signature` is the attestation of `digest` by a validator in a seat, under a key it has or had.
    /// @param keyIndex Which of the validator's keys: 0 is its first. No signature is good under a key that never was.
    /// @param turn The turn that the digest is of.
    /// @param signature One attestation; its layout is the implementation's.
    function isAttestation(
        uint32 validator,
        uint8 seat,
        uint32 keyIndex,
        bytes32 digest,
        Turn calldata turn,
        bytes calldata signature
    ) external view returns (bool);

    /// @notice Reverts unless `signature` is such an attestation. A key that was retired before the turn began says nothing
    /// of it; and one that was retired `unbondingSeconds` ago says nothing at all any more, so that it need not be guarded for
    /// longer than a stake is liable.
    function requireAttested(
        uint32 validator,
        uint8 seat,
        uint32 keyIndex,
        bytes32 digest,
        Turn calldata turn,
        bytes calldata signature
    ) external view;

    /// @notice Reverts where turns or checkpoint phases of so many seconds leave no time for attestations of this kind.
    function requireTime(uint32 turnSeconds, uint32 checkpointSeconds) external view;

    /// @notice Where the validators are.
    function staking() external view returns (IStaking);
}
