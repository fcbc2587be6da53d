// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBeacon} from "../interfaces/IBeacon.sol";
import {IShard} from "../interfaces/IShard.sol";
import {IStaking} from "../interfaces/IStaking.sol";

/// @title A disputes contract that believes everyone. Not part of a deployment.
contract DisputesHarness {
    /// @notice The shards, as `IDisputes` names them.
    IShard[] public shards;
    /// @notice Whether the deployment is of the private mode.
    bool public isPrivate;
    /// @notice How long there is to answer a demand.
    uint32 public answerSeconds;
    /// @notice Until when a round cannot be settled.
    mapping(uint64 round => uint256) public heldUntil;

    /// @notice Name the next shard.
    function addShard(IShard shard) external {
        shards.push(shard);
    }

    /// @notice Choose both.
    function hold(uint64 round, uint256 until, uint32 answerSeconds_) external {
        (heldUntil[round], answerSeconds) = (until, answerSeconds_);
    }

    /// @notice Slash without a proof.
    function slash(IStaking staking, uint32[] calldata ids, address challenger) external returns (uint256 takenWei) {
        return staking.slash(ids, challenger);
    }

    /// @notice Void a checkpoint without a proof.
    function voidCheckpoint(IBeacon beacon, uint64 round, uint16 shard) external {
        beacon.voidCheckpoint(round, shard);
    }

    /// @notice Void a model without a proof.
    function voidModel(IBeacon beacon, uint64 round) external {
        beacon.voidModel(round);
    }

    /// @notice As in `IDisputes`, and believes everyone.
    function requireReveals(uint64, uint16, bytes32) external view {}

    /// @notice Itself: what can be demanded here is what was chosen.
    function demands() external view returns (address) {
        return address(this);
    }
}
