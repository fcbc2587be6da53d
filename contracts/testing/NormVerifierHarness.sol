// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PrecompileFailed} from "../interfaces/Errors.sol";
import {INormVerifier} from "../interfaces/INormVerifier.sol";

/// @title A norm verifier that accepts one call, told beforehand. Not part of a deployment.
contract NormVerifierHarness is INormVerifier {
    /// @inheritdoc INormVerifier
    bytes32 public immutable keyDigest = keccak256("no key");
    /// @inheritdoc INormVerifier
    uint256 public immutable capacity = 64;

    bytes32 private _accepted;
    bool private _isFailing;

    /// @notice Accept these inputs with this proof, and no others.
    function accept(uint256[4] calldata inputs, uint256[8] calldata proof) external {
        _accepted = keccak256(abi.encode(inputs, proof));
    }

    /// @notice From now on, behave as if the pairing precompile had too little gas.
    function fail() external {
        _isFailing = true;
    }

    /// @inheritdoc INormVerifier
    function verify(uint256[4] calldata inputs, uint256[8] calldata proof) external view returns (bool) {
        if (_isFailing) revert PrecompileFailed(8);
        return keccak256(abi.encode(inputs, proof)) == _accepted;
    }
}
