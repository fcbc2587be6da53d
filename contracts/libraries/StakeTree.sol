// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title A Fenwick tree over stakes: draws members with probability in proportion to their weight.
/// @notice P. M. Fenwick, "A new data structure for cumulative frequency tables" (1994). Positions run from 1 and are
/// never reused. Appending writes one slot; changing a weight, and drawing, take O(log n) steps.
library StakeTree {
    using SafeCast for uint256;

    /// @param sum Weights of the positions `i - lowbit(i) + 1` to `i` of node `i` together.
    /// @param weight The weight of position `i` itself.
    /// @param id The member at position `i`.
    struct Node {
        uint96 sum;
        uint96 weight;
        uint32 id;
    }

    /// @param length Number of positions.
    struct Tree {
        uint32 length;
        mapping(uint256 position => Node) nodes;
    }

    /// @notice Add a member behind the last one.
    function append(Tree storage tree, uint32 id, uint96 weight) internal returns (uint32 position) {
        position = ++tree.length;
        uint256 sum = weight;
        uint256 covered = position & (position - 1);
        for (uint256 child = position - 1; child > covered; child &= child - 1) {
            sum += tree.nodes[child].sum;
        }
        tree.nodes[position] = Node({sum: sum.toUint96(), weight: weight, id: id});
    }

    /// @notice Give `position` another weight; 0 takes it out of the draw.
    /// @dev Assumes that `position` is one that `append` returned.
    function setWeight(Tree storage tree, uint32 position, uint96 weight) internal {
        uint256 length = tree.length;
        uint256 before = tree.nodes[position].weight;
        tree.nodes[position].weight = weight;
        for (uint256 i = position; i <= length; i += i & (~i + 1)) {
            Node storage node = tree.nodes[i];
            node.sum = (uint256(node.sum) + weight - before).toUint96();
        }
    }

    /// @notice The weight of `position`.
    function weightAt(Tree storage tree, uint32 position) internal view returns (uint96) {
        return tree.nodes[position].weight;
    }

    /// @notice All weights together.
    function total(Tree storage tree) internal view returns (uint256 sum) {
        for (uint256 i = tree.length; i > 0; i &= i - 1) {
            sum += tree.nodes[i].sum;
        }
    }

    /// @notice Draw `count` different members: each draw is in proportion to weight among those not drawn yet.
    /// @dev Assumes that at least `count` weights are not zero. Takes O(count * log n + count^2) steps.
    /// Draw `i` uses keccak256(seed, i) modulo what is left; with weights below 2^96 the bias is below 2^-160.
    function draw(Tree storage tree, bytes32 seed, uint256 count) internal view returns (uint32[] memory ids) {
        ids = new uint32[](count);
        // Intervals drawn so far, sorted: start in the high bits, weight in the low 96.
        uint256[] memory drawn = new uint256[](count);
        uint256 left = total(tree);

        for (uint256 i = 0; i < count; ++i) {
            uint256 target = uint256(keccak256(abi.encode(seed, i))) % left;
            uint256 rank = 0;
            // Skip over the intervals that are gone, so that `target` is a point of the line as it was.
            for (; rank < i && target >= drawn[rank] >> 96; ++rank) {
                target += uint96(drawn[rank]);
            }
            (Node storage node, uint256 start) = _find(tree, target);
            ids[i] = node.id;
            left -= node.weight;
            for (uint256 j = i; j > rank; --j) {
                drawn[j] = drawn[j - 1];
            }
            drawn[rank] = (start << 96) | node.weight;
        }
    }

    /// @dev The member whose interval holds `target`, and where that interval starts.
    function _find(Tree storage tree, uint256 target) private view returns (Node storage node, uint256 start) {
        uint256 length = tree.length;
        uint256 step = 1;
        while (step << 1 <= length) step <<= 1;
        uint256 position = 0;
        for (; step > 0; step >>= 1) {
            uint256 next = position + step;
            if (next > length) continue;
            uint256 end = start + tree.nodes[next].sum;
            if (end <= target) (position, start) = (next, end);
        }
        node = tree.nodes[position + 1];
    }
}
