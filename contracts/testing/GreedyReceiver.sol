// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IStaking} from "../interfaces/IStaking.sol";

/// @title An account that asks for more while it is being paid. Not part of a deployment.
contract GreedyReceiver {
    IStaking private immutable _staking;
    /// @notice Whose money to ask for.
    uint32 public id;
    /// @notice How often it was paid.
    uint256 public payments;

    constructor(IStaking staking) {
        _staking = staking;
    }

    /// @notice Say whose money to ask for.
    function aim(uint32 id_) external {
        id = id_;
    }

    // solhint-disable-next-line no-complex-fallback
    receive() external payable {
        ++payments;
        try _staking.payRewards(id) {} catch {}
        try _staking.withdraw(id) {} catch {}
    }
}
