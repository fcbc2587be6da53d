// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Lanes: signed integers packed into 32-byte chunks, lane 0 in the most significant bytes.
/// @dev Assumes `bits` is 8, 16 or 32: 32, 16 or 8 lanes a chunk.
library Lanes {
    /// @notice How many chunks hold `coordinates` lanes.
    function chunksFor(uint256 coordinates, uint256 bits) internal pure returns (uint256) {
        return (coordinates * bits + 255) / 256;
    }

    /// @notice Lane `position` of a chunk.
    function laneAt(bytes32 chunk, uint256 bits, uint256 position) internal pure returns (int256 lane) {
        assembly ("memory-safe") {
            let shifted := shr(sub(256, mul(bits, add(position, 1))), chunk)
            lane := signextend(sub(shr(3, bits), 1), shifted)
        }
    }

    /// @notice The sum of a chunk's squared lanes.
    function squaredNorm(bytes32 chunk, uint256 bits) internal pure returns (uint256 sum) {
        assembly ("memory-safe") {
            let signByte := sub(shr(3, bits), 1)
            // Padding is zero and adds nothing, so that the loop may end at the last lane that is not.
            for {
                let rest := chunk
            } rest {
                rest := shr(bits, rest)
            } {
                let lane := signextend(signByte, rest)
                sum := add(sum, mul(lane, lane))
            }
        }
    }
}
