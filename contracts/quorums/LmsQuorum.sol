// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IQuorum} from "../interfaces/IQuorum.sol";
import {IStaking, LmsKey, Participant, Role} from "../interfaces/IStaking.sol";
import {Lms} from "../libraries/Lms.sol";

/// @title A committee's attestations as LMS signatures, each under the seat's current key.
/// @notice Bundle: `uint64be mask`, then for each set bit, lowest first, `uint16be length | signature`.
/// @dev Leaf order is not asked for: others bundle these signatures, in any order and at any time. What they sign names
/// its round and shard. Costs about 150k gas per seat: for small committees.
contract LmsQuorum is IQuorum {
    /// @notice Where the keys are.
    IStaking public immutable staking;

    constructor(IStaking staking_) {
        staking = staking_;
    }

    /// @inheritdoc IQuorum
    function verify(
        bytes32 digest,
        uint32[] calldata committee,
        bytes calldata bundle
    ) external view returns (uint64 seatsMask) {
        if (bundle.length < 8) revert MalformedBundle();
        seatsMask = uint64(bytes8(bundle[:8]));
        if (uint256(seatsMask) >> committee.length != 0) revert NoSuchSeat(_highestBit(seatsMask), committee.length);

        uint256 cursor = 8;
        for (uint256 seat = 0; seat < committee.length; ++seat) {
            if ((seatsMask >> seat) & 1 == 0) continue;
            if (cursor + 2 > bundle.length) revert MalformedBundle();
            uint256 end = cursor + 2 + uint16(bytes2(bundle[cursor:cursor + 2]));
            if (end > bundle.length) revert MalformedBundle();
            if (!_isSigned(committee[seat], digest, bundle[cursor + 2:end])) {
                revert BadAttestation(seat, committee[seat]);
            }
            cursor = end;
        }
        if (cursor != bundle.length) revert MalformedBundle();
    }

    function _isSigned(uint32 validator, bytes32 digest, bytes calldata signature) private view returns (bool) {
        Participant memory member = staking.participant(validator);
        LmsKey memory key = LmsKey({identifier: member.identifier, root: member.root, height: member.height});
        return member.role == Role.Validator && Lms.verify(key, digest, signature);
    }

    function _highestBit(uint256 mask) private pure returns (uint256 bit) {
        while (mask >> (bit + 1) != 0) ++bit;
    }
}
