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

    /// @notice A draw under way, in memory.
    /// @param top The highest power of two that is a position.
    /// @param left What is left of the line of weights.
    /// @param draws How many members were drawn.
    /// @param taken Their intervals, sorted: start in the high bits, weight in the low 96.
    struct Line {
        bytes32 seed;
        uint256 top;
        uint256 left;
        uint256 draws;
        uint256[] taken;
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

    /// @notice Begin a draw of different members: each draw is in proportion to weight among those not drawn yet.
    /// @param capacity How many draws there is room for at first.
    function line(Tree storage tree, bytes32 seed, uint256 capacity) internal view returns (Line memory drawing) {
        drawing.seed = seed;
        drawing.left = total(tree);
        drawing.top = 1;
        while (drawing.top << 1 <= tree.length) drawing.top <<= 1;
        drawing.taken = new uint256[](capacity);
    }

    /// @notice Draw the next member. Takes O(log n + draws so far) steps.
    /// @dev Assumes that something is left of the line, and that the tree is as it was when the draw began.
    /// Draw `i` takes the point at keccak256(seed, i) / 2^256 of what is left of the line. A change of the weights moves
    /// that point by less than itself, so nobody draws afresh by adding a wei, as it would be with a remainder.
    /// With weights below 2^96 together, the bias is below 2^-64.
    function next(Tree storage tree, Line memory drawing) internal view returns (uint32 id) {
        uint256 draws = drawing.draws;
        if (draws == drawing.taken.length) drawing.taken = _grown(drawing.taken);
        uint256 target = ((uint256(keccak256(abi.encode(drawing.seed, draws))) >> 96) * drawing.left) >> 160;
        (Node storage node, uint256 start) = _find(tree, drawing.top, _skip(drawing.taken, draws, target));
        id = node.id;
        uint256 weight = node.weight;
        drawing.left -= weight;
        _insert(drawing.taken, draws, (start << 96) | weight);
        drawing.draws = draws + 1;
    }

    function _grown(uint256[] memory intervals) private pure returns (uint256[] memory grown) {
        grown = new uint256[](2 * intervals.length + 1);
        for (uint256 i = 0; i < intervals.length; ++i) {
            grown[i] = intervals[i];
        }
    }

    /// @dev Where `target` was on the line before the first `count` intervals of `drawn` were taken out of it.
    function _skip(uint256[] memory drawn, uint256 count, uint256 target) private pure returns (uint256 skipped) {
        skipped = target;
        assembly ("memory-safe") {
            let at := add(drawn, 0x20)
            for {
                let end := add(at, shl(5, count))
            } lt(at, end) {
                at := add(at, 0x20)
            } {
                let interval := mload(at)
                if lt(skipped, shr(96, interval)) {
                    break
                }
                skipped := add(skipped, and(interval, 0xffffffffffffffffffffffff))
            }
        }
    }

    /// @dev Puts `interval` in its place among the first `count` of `drawn`, which are sorted.
    function _insert(uint256[] memory drawn, uint256 count, uint256 interval) private pure {
        assembly ("memory-safe") {
            let at := add(drawn, shl(5, count))
            for {} gt(at, drawn) {
                at := sub(at, 0x20)
            } {
                let below := mload(at)
                if lt(below, interval) {
                    break
                }
                mstore(add(at, 0x20), below)
            }
            mstore(add(at, 0x20), interval)
        }
    }

    /// @dev The member whose interval holds `target`, and where that interval starts.
    /// @param top The highest power of two that is a position.
    function _find(
        Tree storage tree,
        uint256 top,
        uint256 target
    ) private view returns (Node storage node, uint256 start) {
        uint256 length = tree.length;
        uint256 position = 0;
        unchecked {
            for (uint256 step = top; step > 0; step >>= 1) {
                uint256 next = position + step;
                if (next > length) continue;
                uint256 end = start + tree.nodes[next].sum;
                if (end <= target) (position, start) = (next, end);
            }
        }
        node = tree.nodes[position + 1];
    }
}
