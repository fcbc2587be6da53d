// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NoSuchShard, WrongShard} from "./interfaces/Errors.sol";
import {IBeaconView, Phase, RoundContext} from "./interfaces/IBeacon.sol";
import {Handover, IBeaconMirror, MirrorMessage, MirrorSeat, MirroredRound} from "./interfaces/IBeaconMirror.sol";
import {IHashChains} from "./interfaces/IHashChains.sol";
import {LmsKey} from "./interfaces/IStaking.sol";
import {Chunks} from "./libraries/Chunks.sol";
import {Digest} from "./libraries/Digest.sol";
import {MAX_SEATS, Quorum} from "./libraries/Quorum.sol";
import {Rounds} from "./libraries/Rounds.sol";
import {LmsBundles} from "./quorums/LmsBundles.sol";

/// @title The beacon as a shard on another chain sees it.
/// @dev One round is kept, and overwritten; of those before, only who sat in their committees, and with which keys: no later
/// message changes what an earlier committee signs with. Most keys of a new committee are there already.
contract BeaconMirror is IBeaconMirror, LmsBundles {
    /// @dev How many messages back a committee may be that signs in place of the sitting one.
    uint256 private constant HANDOVER_DEPTH = 4;

    /// @dev How many rounds a message may skip. A mirror that was told of a round the beacon never reaches would take no
    /// other message again.
    uint64 private constant MOST_SKIPPED = 65_536;
    /// @dev How long it may take until all earlier committees may sign: a round that never ends would keep them from it.
    uint256 private constant MOST_SECONDS = 366 days;

    /// @dev A seat of a committee: its validator, and which of that one's keys it signs messages with.
    struct Seat {
        uint32 validator;
        uint32 key;
    }

    /// @dev What is kept of a round's committee: its size, and where the one before it is.
    struct Committee {
        uint64 previous;
        uint8 count;
        Seat[MAX_SEATS] seats;
    }

    /// @dev What is kept of a client. Three slots.
    struct Admitted {
        LmsKey key;
        bytes28 anchor;
        uint32 firstRound;
    }

    /// @inheritdoc IBeaconMirror
    uint16 public immutable shardIndex;
    /// @inheritdoc IBeaconMirror
    address public immutable deployer;
    /// @inheritdoc IHashChains
    bytes32 public immutable linkDomain;

    MirroredRound private _round;
    mapping(uint64 round => Committee) private _committees;
    mapping(uint32 validator => LmsKey[]) private _seatKeys;
    mapping(uint32 client => Admitted) private _clients;

    /// @param linkDomain_ What clients' links are hashed with: that of the staking contract on the beacon's chain.
    constructor(uint16 shardIndex_, bytes32 linkDomain_) {
        (shardIndex, deployer, linkDomain) = (shardIndex_, msg.sender, linkDomain_);
    }

    // --- messages --------------------------------------------------------------------------------------------

    /// @inheritdoc IBeaconMirror
    function begin(MirrorMessage calldata message) external {
        if (msg.sender != deployer) revert NotDeployer(msg.sender);
        if (_round.round != 0) revert AlreadyBegun(_round.round);
        _check(message);
        _show(message, 0, Digest.mirrorMessage(message), msg.data[:0]);
    }

    /// @inheritdoc IBeaconMirror
    function advance(MirrorMessage calldata message, uint64 signers, bytes calldata bundle) external {
        if (_round.round == 0) revert NotBegun();
        _check(message);
        uint40 opensAt = _opensAt(signers);
        if (block.timestamp < opensAt) revert HandoverNotOpen(signers, opensAt);

        bytes32 digest = Digest.mirrorMessage(message);
        uint32[] memory validators = _validatorsOf(signers);
        Quorum.check(_signersOf(digest, signers, validators, bundle), validators.length);
        _show(message, signers, digest, bundle);
    }

    /// @inheritdoc IBeaconMirror
    function countersign(
        uint64 round,
        uint32 validator,
        uint8 seat,
        bytes32 digest,
        bytes calldata signature
    ) external {
        if (round <= _round.round) revert RoundNotLater(round, _round.round);
        emit Countersigned(round, validator, seat, digest, signature);
    }

    /// @inheritdoc IBeaconMirror
    function admit(
        uint32 id,
        LmsKey calldata key,
        bytes28 anchor,
        uint32 firstRound,
        uint256 position,
        bytes32[] calldata path
    ) external {
        if (_clients[id].key.height != 0) revert AlreadyAdmitted(id);
        bytes memory leaf = abi.encodePacked(id, key.identifier, key.root, key.height, anchor, firstRound);
        if (!Chunks.verify(_round.clientsRoot, _round.clientCount, position, leaf, path)) {
            revert NotAClient(id, position);
        }

        _clients[id] = Admitted({key: key, anchor: anchor, firstRound: firstRound});
        emit ClientAdmitted(id, key);
    }

    // --- for the shard ---------------------------------------------------------------------------------------

    /// @inheritdoc IBeaconView
    /// @dev The checkpoint phase lasts to its end here, and what follows is idle: the beacon alone knows better.
    function context() external view returns (RoundContext memory now_) {
        MirroredRound storage shown = _round;
        now_.round = shown.round;
        now_.revealEndsAt = shown.revealEndsAt;
        now_.turnSeconds = shown.turnSeconds;
        now_.shards = shown.shards;
        now_.seats = shown.seats;
        now_.baseRoot = shown.baseRoot;
        now_.normBound = shown.normBound;
        now_.laneBits = shown.laneBits;
        if (block.timestamp < shown.commitEndsAt) {
            (now_.phase, now_.phaseEndsAt) = (Phase.Commit, shown.commitEndsAt);
        } else if (block.timestamp < shown.revealEndsAt) {
            (now_.phase, now_.phaseEndsAt) = (Phase.Reveal, shown.revealEndsAt);
        } else if (block.timestamp < shown.checkpointEndsAt) {
            (now_.phase, now_.phaseEndsAt) = (Phase.Checkpoint, shown.checkpointEndsAt);
        }
    }

    /// @inheritdoc IBeaconView
    /// @dev Active here means admitted and not revoked since.
    function client(uint32 id) external view returns (bool active, uint16 shard, bool drawn, LmsKey memory key) {
        if (_round.round == 0) return (false, 0, false, key);
        key = _clients[id].key;
        active = key.height != 0;
        (shard, drawn) = placeOf(_round.round, id);
    }

    /// @inheritdoc IBeaconView
    function placeOf(uint64 round, uint32 clientId) public view returns (uint16 shard, bool drawn) {
        if (round != _round.round || round == 0) revert NotMirrored(round, shardIndex);
        return Rounds.placeOf(_round.seed, clientId, _round.shards, _round.clientCount);
    }

    /// @inheritdoc IHashChains
    function anchorOf(uint32 id) external view returns (bytes28 anchor, uint32 firstRound) {
        Admitted storage admission = _clients[id];
        return (admission.anchor, admission.firstRound);
    }

    /// @inheritdoc IBeaconView
    function committee(uint64 round, uint16 shard) external view returns (uint32[] memory) {
        if (shard != shardIndex) revert NotMirrored(round, shard);
        return _validatorsOf(round);
    }

    // --- for those who keep it -------------------------------------------------------------------------------

    /// @inheritdoc IBeaconMirror
    function mirrored() external view returns (MirroredRound memory) {
        return _round;
    }

    /// @inheritdoc IBeaconMirror
    function sitting(uint64 round) external view returns (MirrorSeat[] memory seats) {
        uint32[] memory validators = _validatorsOf(round);
        seats = new MirrorSeat[](validators.length);
        for (uint256 seat = 0; seat < validators.length; ++seat) {
            (, LmsKey memory key) = _keyOf(round, seat, validators[seat]);
            seats[seat] = MirrorSeat({validator: validators[seat], key: key});
        }
    }

    /// @inheritdoc IBeaconMirror
    function handovers() external view returns (Handover[] memory found) {
        Handover[HANDOVER_DEPTH + 1] memory all;
        uint256 count = 0;
        for (uint64 round = _round.round; round != 0 && count <= HANDOVER_DEPTH; round = _committees[round].previous) {
            all[count] = Handover({round: round, opensAt: _opensAt(round)});
            ++count;
        }
        found = new Handover[](count);
        for (uint256 i = 0; i < count; ++i) {
            found[i] = all[i];
        }
    }

    /// @inheritdoc IBeaconMirror
    function admitted(uint32[] calldata ids) external view returns (uint256 bitmap) {
        for (uint256 i = 0; i < ids.length; ++i) {
            if (_clients[ids[i]].key.height != 0) bitmap |= 1 << i;
        }
    }

    /// @inheritdoc IBeaconMirror
    function messageDigest(MirrorMessage calldata message) external view returns (bytes32) {
        return Digest.mirrorMessage(message);
    }

    // --- inside ----------------------------------------------------------------------------------------------

    /// @dev What every message must be, whoever signed it.
    function _check(MirrorMessage calldata message) private view {
        MirroredRound calldata next = message.round;
        uint64 current = _round.round;
        if (next.shard != shardIndex) revert WrongShard(next.shard, shardIndex);
        if (next.round <= current) revert RoundNotLater(next.round, current);
        if (next.previous != current) revert WrongPrevious(next.previous, current);
        if (current != 0 && next.round - current > MOST_SKIPPED) revert RoundTooFar(next.round, current + MOST_SKIPPED);
        if (next.shard >= next.shards) revert NoSuchShard(next.shard, next.shards);
        if (next.commitEndsAt > next.revealEndsAt || next.revealEndsAt > next.checkpointEndsAt) revert WrongDeadlines();
        uint256 endsAt = next.checkpointEndsAt + HANDOVER_DEPTH * next.turnSeconds;
        if (endsAt > block.timestamp + MOST_SECONDS) revert EndsTooLate(endsAt);
        uint256 given = message.committee.length;
        if (given != next.seats || given == 0 || given > MAX_SEATS) revert WrongCommittee(given, next.seats);
    }

    /// @dev Writes a checked message.
    function _show(MirrorMessage calldata message, uint64 signers, bytes32 digest, bytes calldata bundle) private {
        (uint64 round, uint64 previous) = (message.round.round, message.round.previous);
        _round = message.round;
        Committee storage seated = _committees[round];
        (seated.previous, seated.count) = (previous, message.round.seats);
        for (uint256 seat = 0; seat < message.committee.length; ++seat) {
            MirrorSeat calldata named = message.committee[seat];
            seated.seats[seat] = Seat({validator: named.validator, key: _keep(named)});
        }
        for (uint256 i = 0; i < message.revoked.length; ++i) {
            uint32 id = message.revoked[i];
            if (_clients[id].key.height == 0) continue;
            delete _clients[id];
            emit ClientRevoked(id);
        }
        emit RoundMirrored(round, previous, signers, digest, message, bundle);
    }

    /// @dev The number of a seat's key among its validator's, where it is the latest if it was there already.
    function _keep(MirrorSeat calldata named) private returns (uint32) {
        LmsKey[] storage keys = _seatKeys[named.validator];
        uint256 count = keys.length;
        if (count == 0 || keccak256(abi.encode(keys[count - 1])) != keccak256(abi.encode(named.key))) {
            keys.push(named.key);
            ++count;
        }
        return uint32(count - 1);
    }

    /// @dev From when the committee of `signers` may sign the next message.
    function _opensAt(uint64 signers) private view returns (uint40) {
        uint64 round = _round.round;
        if (signers == round) return 0;
        for (uint256 steps = 1; steps <= HANDOVER_DEPTH; ++steps) {
            round = _committees[round].previous;
            if (round != signers || round == 0) continue;
            return _round.checkpointEndsAt + uint40(steps) * _round.turnSeconds;
        }
        revert CommitteeTooOld(signers, _round.round);
    }

    function _validatorsOf(uint64 round) private view returns (uint32[] memory validators) {
        Committee storage seated = _committees[round];
        if (seated.count == 0) revert NotMirrored(round, shardIndex);
        validators = new uint32[](seated.count);
        for (uint256 seat = 0; seat < validators.length; ++seat) {
            validators[seat] = seated.seats[seat].validator;
        }
    }

    /// @inheritdoc LmsBundles
    function _keyOf(
        uint64 sitting,
        uint256 seat,
        uint32 validator
    ) internal view override returns (bool isKnown, LmsKey memory key) {
        key = _seatKeys[validator][_committees[sitting].seats[seat].key];
        isKnown = key.height != 0;
    }
}
