// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint} from "../interfaces/IBeacon.sol";
import {Fault, IDisputes} from "../interfaces/IDisputes.sol";
import {IQuorum} from "../interfaces/IQuorum.sol";
import {Judge} from "./Judge.sol";

/// @title Disputes about what a seat signed: two checkpoints for one turn?
abstract contract SeatDisputes is Judge {
    /// @inheritdoc IDisputes
    mapping(uint64 round => mapping(uint16 shard => uint64 seats)) public equivocated;

    /// @inheritdoc IDisputes
    function disputeEquivocation(
        Checkpoint calldata one,
        Checkpoint calldata other,
        uint8 seat,
        uint32 keyIndexOne,
        bytes calldata signatureOne,
        uint32 keyIndexOther,
        bytes calldata signatureOther
    ) external {
        (uint64 round, uint16 shard) = (one.round, one.shard);
        if (round != other.round || shard != other.shard || one.turn != other.turn) revert NotEquivocation();
        uint32 validator = _seated(round, shard, seat);
        bytes32 digest = _requireSigned(one, validator, keyIndexOne, signatureOne);
        if (digest == _requireSigned(other, validator, keyIndexOther, signatureOther)) revert NotEquivocation();

        equivocated[round][shard] |= uint64(1) << seat;
        uint32[] memory guilty = new uint32[](1);
        guilty[0] = validator;
        _punish(Fault.Equivocation, round, shard, guilty);
    }

    /// @dev The validator in a seat that was not punished yet.
    function _seated(uint64 round, uint16 shard, uint8 seat) private view returns (uint32) {
        uint32[] memory committee = beacon.committee(round, shard);
        if (seat >= committee.length) revert NoSuchSeat(seat, committee.length);
        if ((equivocated[round][shard] >> seat) & 1 == 1) revert AlreadyProven(round, shard, seat);
        return committee[seat];
    }

    /// @dev Checks that `validator` signed `checkpoint`, and returns the digest that it signed.
    /// A key that was retired before is of no use against its owner, so that it need not be guarded for ever.
    function _requireSigned(
        Checkpoint calldata checkpoint,
        uint32 validator,
        uint32 keyIndex,
        bytes calldata signature
    ) private view returns (bytes32 digest) {
        IQuorum quorum = beacon.quorum();
        uint40 retiredAt = quorum.keyRetiredAt(validator, keyIndex);
        if (retiredAt != 0 && retiredAt < beacon.roundAt(checkpoint.round).revealEndsAt) {
            revert KeyRetired(validator, keyIndex, retiredAt);
        }
        digest = beacon.checkpointDigest(checkpoint);
        if (!quorum.isAttestation(validator, keyIndex, digest, signature)) revert BadSignature(validator, keyIndex);
    }
}
