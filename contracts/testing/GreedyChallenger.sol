// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title A challenger that brings its proof again while it is being paid for it. Not part of a deployment.
contract GreedyChallenger {
    address private _disputes;
    bytes private _proof;
    /// @notice How often it was paid.
    uint256 public payments;

    /// @notice Thrown when the disputes contract did not accept the proof.
    error NotProven();

    /// @notice Bring `proof`, a call of `disputes`.
    function bring(address disputes, bytes calldata proof) external {
        (_disputes, _proof) = (disputes, proof);
        // solhint-disable-next-line avoid-low-level-calls
        (bool done, ) = disputes.call(proof);
        if (!done) revert NotProven();
    }

    // solhint-disable-next-line no-complex-fallback
    receive() external payable {
        ++payments;
        // solhint-disable-next-line avoid-low-level-calls
        (bool done, ) = _disputes.call(_proof);
        if (done) ++payments;
    }
}
