// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What a shard needs to know of clients' hash chains: of the staking contract, or of a mirror on another chain.
interface IHashChains {
    /// @notice The end of an active client's hash chain (zero: none), and the round that its first two links are for. A client
    /// that is not active any more has none, and names one anew when it is again. Those of validators are in the draw.
    function anchorOf(uint32 id) external view returns (bytes28 anchor, uint32 firstRound);

    /// @notice What every link is hashed with: keccak256(chain id, staking contract), of the beacon's chain.
    function linkDomain() external view returns (bytes32);
}
