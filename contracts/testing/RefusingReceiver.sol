// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title An account that takes no money. Not part of a deployment.
contract RefusingReceiver {
    /// @notice Thrown at whoever pays.
    error NoThanks();

    receive() external payable {
        revert NoThanks();
    }
}
