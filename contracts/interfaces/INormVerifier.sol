// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Verifies a proof that a committed vector of lanes is in range and within a norm bound.
/// @notice The statement: "I know lanes and a salt such that `vectorCommitment` commits to them, every lane fits
/// `laneBits` bits, and the sum of their squares is at most `normBound`; and I say so in `context`."
/// @dev Not proven: that the committed lanes are those behind an update's root. The committee checks that, on what it
/// decrypts.
interface INormVerifier {
    /// @notice Thrown when a public input is not below the order of the scalar field: `x` and `x + r` would be one input.
    error InputOutOfField(uint256 index, uint256 value);
    /// @notice Thrown when a coordinate of the proof is not below the modulus of the base field.
    error CoordinateOutOfField(uint256 index, uint256 value);

    /// @notice Whether `proof` proves the statement that `inputs` make. Whatever stops it from deciding reverts.
    /// @param inputs `vectorCommitment, context, normBound, laneBits`.
    /// @param proof The points `A` (x, y), `B` (x imaginary, x real, y imaginary, y real) and `C` (x, y).
    /// @return isProven False only where the pairing says no.
    function verify(uint256[4] calldata inputs, uint256[8] calldata proof) external view returns (bool isProven);

    /// @notice Digest of the capacity and the verifying key, for comparison with the key that clients prove with.
    function keyDigest() external view returns (bytes32);

    /// @notice How many lanes the circuit takes; a shorter vector is padded with zeros.
    function capacity() external view returns (uint256);
}
