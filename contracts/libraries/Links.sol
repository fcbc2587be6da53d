// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Links of hash chains: each is the hash of the one that is shown after it.
/// @dev 28 bytes and a domain, so that a search for one chain's links says nothing of another deployment's.
library Links {
    /// @notice What the links that a contract knows are hashed with.
    function domainOf(address owner) internal view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, owner));
    }

    /// @notice The link that is `count` places nearer to its chain's anchor: bytes28(keccak256(domain | link)), over and over.
    /// @dev In the scratch space, eight at a time: 58 gas a link. The domain is in front, so that it stays where it is.
    function before(bytes28 link, bytes32 domain, uint256 count) internal pure returns (bytes28 earlier) {
        assembly ("memory-safe") {
            mstore(0x00, domain)
            mstore(0x20, link)
            for {} gt(count, 7) {
                count := sub(count, 8)
            } {
                mstore(0x20, keccak256(0x00, 0x3c))
                mstore(0x20, keccak256(0x00, 0x3c))
                mstore(0x20, keccak256(0x00, 0x3c))
                mstore(0x20, keccak256(0x00, 0x3c))
                mstore(0x20, keccak256(0x00, 0x3c))
                mstore(0x20, keccak256(0x00, 0x3c))
                mstore(0x20, keccak256(0x00, 0x3c))
                mstore(0x20, keccak256(0x00, 0x3c))
            }
            for {} count {
                count := sub(count, 1)
            } {
                mstore(0x20, keccak256(0x00, 0x3c))
            }
            earlier := and(mload(0x20), not(0xffffffff))
        }
    }
}
