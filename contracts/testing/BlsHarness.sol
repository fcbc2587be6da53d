// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Bls} from "../libraries/Bls.sol";

/// @title Opens `Bls` to the tests. Not part of a deployment.
contract BlsHarness {
    /// @notice One signature of a message, the way a contract of the protocol checks it.
    function verify(bytes calldata key, bytes calldata message, bytes calldata signature) external view returns (bool) {
        return Bls.verify(Bls.decodeKey(key), message, Bls.SIGNING_TAG, Bls.decodeSignature(signature));
    }

    /// @notice What comes of one signature when `verify` gets so much gas: 0 invalid, 1 valid, 2 reverted.
    function outcomesWithGas(
        bytes calldata key,
        bytes calldata message,
        bytes calldata signature,
        uint256[] calldata gasLimits
    ) external view returns (uint8[] memory outcomes) {
        outcomes = new uint8[](gasLimits.length);
        for (uint256 i = 0; i < gasLimits.length; ++i) {
            try this.verify{gas: gasLimits[i]}(key, message, signature) returns (bool valid) {
                outcomes[i] = valid ? 1 : 0;
            } catch {
                outcomes[i] = 2;
            }
        }
    }

    /// @notice A message hashed to the curve: x.c0, x.c1, y.c0, y.c1, each a high and a low word.
    function hashToG2(bytes calldata message, bytes calldata tag) external view returns (uint256[8] memory) {
        return Bls.hashToG2(message, tag);
    }

    /// @notice A key in the ciphersuite's 48 bytes.
    function compress(bytes calldata key) external pure returns (bytes memory) {
        return Bls.compress(Bls.decodeKey(key));
    }
}
