// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AlreadyProven, BadAttestation, KeyRetired, NoSuchSeat} from "./interfaces/Errors.sol";
import {IBeacon, Round, RoundParameters} from "./interfaces/IBeacon.sol";
import {MirrorMessage, MirrorSeat, MirroredRound} from "./interfaces/IBeaconMirror.sol";
import {IDisputes} from "./interfaces/IDisputes.sol";
import {IMirrorFaults, MirrorAddress} from "./interfaces/IMirrorFaults.sol";
import {IStaking, LmsKey} from "./interfaces/IStaking.sol";
import {Digest} from "./libraries/Digest.sol";
import {Lms} from "./libraries/Lms.sol";

/// @title Proofs that a seat told its shard's mirror what the beacon does not say.
/// @dev Nobody owns it. All that it may do is to name a validator to the beacon's disputes contract.
contract MirrorFaults is IMirrorFaults {
    /// @inheritdoc IMirrorFaults
    IBeacon public immutable beacon;
    /// @inheritdoc IMirrorFaults
    IStaking public immutable staking;

    /// @inheritdoc IMirrorFaults
    mapping(uint16 shard => bytes32) public domainOf;
    /// @inheritdoc IMirrorFaults
    mapping(uint64 round => mapping(uint16 shard => mapping(uint32 validator => bool))) public proven;

    /// @param mirrors The mirror of each shard, by number.
    constructor(IBeacon beacon_, MirrorAddress[] memory mirrors) {
        (beacon, staking) = (beacon_, beacon_.staking());
        for (uint16 shard = 0; shard < mirrors.length; ++shard) {
            domainOf[shard] = Digest.domainOf(mirrors[shard].chainId, mirrors[shard].mirror);
        }
    }

    /// @inheritdoc IMirrorFaults
    function disputeMirrorMessage(
        MirrorMessage calldata message,
        uint64 signers,
        uint8 seat,
        uint32 keyIndex,
        bytes calldata signature
    ) external {
        (uint64 round, uint16 shard) = (message.round.round, message.round.shard);
        uint32 validator = _seated(signers, shard, seat);
        if (proven[round][shard][validator]) revert AlreadyProven(round, shard, seat);
        if (!isFalse(message)) revert MirrorMessageIsRight(round);
        _requireSigned(message, seat, validator, keyIndex, signature);

        proven[round][shard][validator] = true;
        IDisputes(beacon.disputes()).punishMirrorLie(round, shard, validator, msg.sender);
    }

    /// @inheritdoc IMirrorFaults
    function isFalse(MirrorMessage calldata message) public view returns (bool) {
        MirroredRound calldata said = message.round;
        if (said.round == 0 || said.previous >= said.round || said.round > beacon.currentRound()) return true;
        Round memory opened = beacon.roundAt(said.round);
        RoundParameters memory parameters = beacon.parametersOf(said.round);
        return
            said.shard >= parameters.shards ||
            !_areTerms(said, opened, parameters) ||
            !_isCommittee(message, opened.commitEndsAt - parameters.commitSeconds);
    }

    /// @dev Whether a message says of a round what the beacon does.
    function _areTerms(
        MirroredRound calldata said,
        Round memory opened,
        RoundParameters memory parameters
    ) private view returns (bool) {
        if (said.seed != opened.seed || said.baseRoot != beacon.roundAt(opened.baseRound).modelRoot) return false;
        return
            said.shards == parameters.shards &&
            said.seats == parameters.seats &&
            said.laneBits == parameters.laneBits &&
            said.turnSeconds == parameters.turnSeconds &&
            said.normBound == parameters.normBound &&
            said.commitEndsAt == opened.commitEndsAt &&
            said.revealEndsAt == opened.revealEndsAt &&
            said.checkpointEndsAt == opened.checkpointEndsAt;
    }

    /// @dev Whether a message names the shard's committee, and for each seat a key that its validator had. While the
    /// committee can still be drawn, by anyone, it reverts: what was drawn and dropped by a reorganisation comes back the same.
    function _isCommittee(MirrorMessage calldata message, uint40 openedAt) private view returns (bool) {
        (uint64 round, uint16 shard) = (message.round.round, message.round.shard);
        if (round != beacon.currentRound() && !beacon.draw().isDrawn(round, shard)) return false;
        uint32[] memory committee = beacon.committee(round, shard);
        if (message.committee.length != committee.length) return false;
        for (uint256 seat = 0; seat < committee.length; ++seat) {
            MirrorSeat calldata named = message.committee[seat];
            if (named.validator != committee[seat] || !_had(named, openedAt)) return false;
        }
        return true;
    }

    /// @dev Whether the validator had that key when the round opened, or has had it since: who changes its key in the very
    /// block makes nobody a liar.
    function _had(MirrorSeat calldata named, uint40 openedAt) private view returns (bool) {
        uint32 index = staking.keyIndexOf(named.validator, named.key.identifier);
        uint40 retiredAt = staking.keyRetiredAt(named.validator, index);
        if (retiredAt != 0 && retiredAt < openedAt) return false;
        return keccak256(abi.encode(staking.keyAt(named.validator, index))) == keccak256(abi.encode(named.key));
    }

    function _seated(uint64 signers, uint16 shard, uint8 seat) private view returns (uint32) {
        uint32[] memory committee = beacon.committee(signers, shard);
        if (seat >= committee.length) revert NoSuchSeat(seat, committee.length);
        return committee[seat];
    }

    /// @dev Checks that the validator in a seat signed the message.
    function _requireSigned(
        MirrorMessage calldata message,
        uint8 seat,
        uint32 validator,
        uint32 keyIndex,
        bytes calldata signature
    ) private view {
        bytes32 domain = domainOf[message.round.shard];
        if (domain == 0) revert NoMirror(message.round.shard);
        uint40 retiredAt = staking.keyRetiredAt(validator, keyIndex);
        if (retiredAt != 0 && block.timestamp >= retiredAt + staking.unbondingSeconds()) {
            revert KeyRetired(validator, keyIndex, retiredAt);
        }
        bytes32 digest = Digest.ofSeat(Digest.mirrorMessage(message, domain), validator, seat);
        LmsKey memory key = staking.keyAt(validator, keyIndex);
        if (!Lms.verify(key, digest, signature)) revert BadAttestation(seat, validator);
    }
}
