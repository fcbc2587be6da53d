// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LmsKey} from "../interfaces/IStaking.sol";
import {Lms} from "../libraries/Lms.sol";

/// @title Opens `Lms` to the tests. Not part of a deployment.
contract LmsHarness {
    /// @notice One signature, the way a contract of the protocol checks it.
    function verify(LmsKey memory key, bytes32 message, bytes calldata signature) external view returns (bool) {
        return Lms.verify(key, message, signature);
    }

    /// @notice The leaf a signature names.
    function leafOf(bytes calldata signature) external pure returns (uint32) {
        return Lms.leafOf(signature);
    }

    /// @notice Many signatures under one key, and the gas that `Lms.verify` took for each.
    function verifyMany(
        LmsKey memory key,
        bytes32[] calldata messages,
        bytes[] calldata signatures
    ) external view returns (bool[] memory valid, uint256[] memory gasUsed) {
        valid = new bool[](messages.length);
        gasUsed = new uint256[](messages.length);
        for (uint256 i = 0; i < messages.length; ++i) {
            uint256 before = gasleft();
            valid[i] = Lms.verify(key, messages[i], signatures[i]);
            gasUsed[i] = before - gasleft();
        }
    }

    /// @notice What comes of one signature when `verify` gets so much gas: 0 invalid, 1 valid, 2 reverted.
    function outcomesWithGas(
        LmsKey memory key,
        bytes32 message,
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
}
