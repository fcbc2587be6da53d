// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Links of hash chains: each is the hash of the one that is shown after it.
/// @dev 28 bytes and a domain, so that a search for one chain's links says nothing of another deployment's.
library Links {
    /// @notice What the links of a deployment are hashed with.
    function domainOf(address staking) internal view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, staking));
    }

    /// @notice The link that is `count` places nearer to its chain's anchor: bytes28(keccak256(link | domain)), over and over.
    /// @dev In the scratch space, about 70 gas a link.
    function before(bytes28 link, bytes32 domain, uint256 count) internal pure returns (bytes28 earlier) {
        assembly ("memory-safe") {
            mstore(0x00, link)
            for {} count {
                count := sub(count, 1)
            } {
                mstore(0x1c, domain)
                mstore(0x00, keccak256(0x00, 0x3c))
            }
            earlier := and(mload(0x00), not(0xffffffff))
        }
    }
}
