// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Verifies a committee's attestations of one digest.
interface IQuorum {
    /// @notice Thrown when a bundle names a seat the committee does not have.
    error NoSuchSeat(uint256 seat, uint256 seats);
    /// @notice Thrown when a seat's signature does not verify.
    error BadAttestation(uint256 seat, uint32 validator);
    /// @notice Thrown when the bundle's bytes do not parse.
    error MalformedBundle();

    /// @notice Verify the attestations in `bundle`.
    /// @param digest What was signed.
    /// @param committee The validator in each seat.
    /// @param bundle The signatures; their layout is the implementation's.
    /// @return seatsMask Bit `i` is set when seat `i` signed; every signature that is there is valid.
    function verify(
        bytes32 digest,
        uint32[] calldata committee,
        bytes calldata bundle
    ) external view returns (uint64 seatsMask);
}
