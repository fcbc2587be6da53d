// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MalformedBundle, NoSuchSeat} from "../interfaces/Errors.sol";
import {LmsKey} from "../interfaces/IStaking.sol";
import {Lms} from "../libraries/Lms.sol";

/// @title A committee's LMS signatures of one digest, in one string of bytes.
/// @notice Bundle: `uint64be mask`, then for each set bit, lowest first, `uint16be length | signature`.
/// @dev Leaf order is not asked for: others bundle these signatures, in any order and at any time. What they sign names
/// its round and shard. Costs about 150k gas per seat: for small committees.
abstract contract LmsBundles {
    /// @dev The seats that signed. A signature that is not valid, such as one under a key that was replaced since, counts
    /// for nothing, and takes nothing from the others.
    /// @param sitting The round of the committee, where keys are kept by committee.
    function _signersOf(
        bytes32 digest,
        uint64 sitting,
        uint32[] memory committee,
        bytes calldata bundle
    ) internal view returns (uint64 signers) {
        if (bundle.length < 8) revert MalformedBundle();
        uint64 named = uint64(bytes8(bundle[:8]));
        if (uint256(named) >> committee.length != 0) revert NoSuchSeat(_highestBit(named), committee.length);

        uint256 cursor = 8;
        for (uint256 seat = 0; seat < committee.length; ++seat) {
            if ((named >> seat) & 1 == 0) continue;
            if (cursor + 2 > bundle.length) revert MalformedBundle();
            uint256 end = cursor + 2 + uint16(bytes2(bundle[cursor:cursor + 2]));
            if (end > bundle.length) revert MalformedBundle();
            (bool isKnown, LmsKey memory key) = _keyOf(sitting, seat, committee[seat]);
            if (isKnown && Lms.verify(key, digest, bundle[cursor + 2:end])) signers |= uint64(1) << uint64(seat);
            cursor = end;
        }
        if (cursor != bundle.length) revert MalformedBundle();
    }

    /// @dev The key that speaks for the validator in a seat; not known when it is none, or has left.
    function _keyOf(
        uint64 sitting,
        uint256 seat,
        uint32 validator
    ) internal view virtual returns (bool isKnown, LmsKey memory key);

    function _highestBit(uint256 mask) private pure returns (uint256 bit) {
        while (mask >> (bit + 1) != 0) ++bit;
    }
}
