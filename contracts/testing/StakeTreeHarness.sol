// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {StakeTree} from "../libraries/StakeTree.sol";

/// @title Opens `StakeTree` to the tests. Not part of a deployment.
contract StakeTreeHarness {
    using StakeTree for StakeTree.Tree;

    StakeTree.Tree private _tree;

    /// @notice Append several members.
    function append(uint32[] calldata ids, uint96[] calldata weights) external {
        for (uint256 i = 0; i < ids.length; ++i) {
            _tree.append(ids[i], weights[i]);
        }
    }

    /// @notice Change one weight.
    function setWeight(uint32 position, uint96 weight) external {
        _tree.setWeight(position, weight);
    }

    /// @notice The weight of a position.
    function weightAt(uint32 position) external view returns (uint96) {
        return _tree.weightAt(position);
    }

    /// @notice All weights together.
    function total() external view returns (uint256) {
        return _tree.total();
    }

    /// @notice Draw members.
    function draw(bytes32 seed, uint256 count) public view returns (uint32[] memory ids) {
        ids = new uint32[](count);
        // Room for half of them, so that it grows.
        StakeTree.Line memory drawing = _tree.line(seed, count / 2);
        for (uint256 i = 0; i < count; ++i) {
            ids[i] = _tree.next(drawing);
        }
    }

    /// @notice Draw once for each of many seeds.
    function drawMany(bytes32[] calldata seeds, uint256 count) external view returns (uint32[][] memory draws) {
        draws = new uint32[][](seeds.length);
        for (uint256 i = 0; i < seeds.length; ++i) {
            draws[i] = draw(seeds[i], count);
        }
    }
}
