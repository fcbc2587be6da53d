// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ModelDisputes} from "./disputes/ModelDisputes.sol";
import {Judge} from "./disputes/Judge.sol";
import {SeatDisputes} from "./disputes/SeatDisputes.sol";
import {UpdateDisputes} from "./disputes/UpdateDisputes.sol";
import {IBeacon} from "./interfaces/IBeacon.sol";
import {IShard} from "./interfaces/IShard.sol";
import {IStaking} from "./interfaces/IStaking.sol";

/// @title Proofs of faults, each recomputed here from what was signed.
/// @dev Nobody owns it, it holds no money, and it believes nothing but the beacon, the shards and hashes.
contract Disputes is UpdateDisputes, ModelDisputes, SeatDisputes {
    /// @dev Reverts where the beacon expects another address, since it could void nothing from here.
    /// @param isPrivate_ As the shards are; those on chains of their own cannot be asked from here.
    constructor(
        IBeacon beacon_,
        IStaking staking_,
        IShard[] memory shards_,
        bool isPrivate_
    ) Judge(beacon_, staking_, isPrivate_) UpdateDisputes(shards_) {
        if (beacon_.disputes() != address(this)) revert NotExpected(address(this), beacon_.disputes());
    }
}
