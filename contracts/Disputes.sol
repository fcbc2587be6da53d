// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AlreadyProven, NoSuchSeat, NotOpened, WrongCount, WrongShard} from "./interfaces/Errors.sol";
import {Checkpoint, IBeacon, Round, RoundParameters} from "./interfaces/IBeacon.sol";
import {IDemands, Part, Subject} from "./interfaces/IDemands.sol";
import {Fault, IDisputes, Opening} from "./interfaces/IDisputes.sol";
import {Turn} from "./interfaces/IQuorum.sol";
import {IShard, RevealedUpdate} from "./interfaces/IShard.sol";
import {IStaking} from "./interfaces/IStaking.sol";
import {Aggregate} from "./libraries/Aggregate.sol";
import {Chunks} from "./libraries/Chunks.sol";
import {Content} from "./libraries/Content.sol";
import {Lanes} from "./libraries/Lanes.sol";
import {ModelRule, Recompute} from "./libraries/Recompute.sol";
import {Rounds} from "./libraries/Rounds.sol";
import {Signed} from "./libraries/Signed.sol";

/// @title Proofs of faults, each recomputed here from what was signed.
/// @dev Nobody owns it, it holds no money, and it believes nothing but the beacon, the shards, the demands and hashes.
contract Disputes is IDisputes {
    /// @dev A published model that can be disputed, and what it follows from.
    struct PublishedModel {
        bytes32 baseRoot;
        bytes32 modelRoot;
        uint32 publisher;
        ModelRule rule;
    }

    /// @dev What is known of a model's coordinate: the weighted sum over so many checkpoints' aggregates. One slot, and a
    /// bit for each shard that is in it.
    struct KnownSum {
        int128 weightedSum;
        uint64 count;
        uint16 checkpoints;
        mapping(uint256 word => uint256) shards;
    }

    /// @dev What is known of a checkpoint's updates at a coordinate: lanes of 16 bits, and which of them.
    struct KnownLanes {
        uint256 positions;
        uint256[16] words;
    }

    /// @inheritdoc IDisputes
    IBeacon public immutable beacon;
    /// @inheritdoc IDisputes
    IStaking public immutable staking;
    /// @inheritdoc IDisputes
    bool public immutable isPrivate;
    /// @inheritdoc IDisputes
    IDemands public immutable demands;
    /// @inheritdoc IDisputes
    address public immutable mirrorFaults;
    uint32 private immutable _quantumLength;
    uint32 private immutable _classicalLength;

    /// @inheritdoc IDisputes
    mapping(uint256 index => IShard) public shards;
    /// @inheritdoc IDisputes
    mapping(uint64 round => mapping(uint16 shard => uint64 seats)) public equivocated;
    mapping(uint64 round => mapping(uint32 coordinate => KnownSum)) private _sums;
    mapping(uint64 round => mapping(uint16 shard => mapping(uint32 coordinate => KnownLanes))) private _lanes;

    /// @dev Reverts where the beacon expects another address, since it could void nothing from here, and where its parameters
    /// do not go with the demands: they may have been set when it could not ask for `answerSeconds` and `isPrivate` yet.
    constructor(IBeacon beacon_, IStaking staking_, IShard[] memory shards_, IDemands demands_, address mirrorFaults_) {
        (beacon, staking, demands, isPrivate) = (beacon_, staking_, demands_, demands_.isPrivate());
        mirrorFaults = mirrorFaults_;
        (_quantumLength, _classicalLength) = (beacon_.quantumLength(), beacon_.classicalLength());
        if (_coordinates() == 0) revert NoSuchCoordinate(0, 0);
        for (uint16 i = 0; i < shards_.length; ++i) {
            uint16 index = shards_[i].shardIndex();
            if (index != i) revert WrongShard(index, i);
            if (isPrivate != (address(shards_[i].verifier()) != address(0))) revert WrongMode(index, isPrivate);
            shards[i] = shards_[i];
        }
        if (beacon_.disputes() != address(this)) revert NotExpected(address(this), beacon_.disputes());
        RoundParameters memory parameters = beacon_.parametersAt(beacon_.parametersVersion());
        Rounds.check(parameters, staking_.unbondingSeconds(), demands_.answerSeconds(), isPrivate);
    }

    // --- a shard's aggregate: is it the trimmed mean of the included updates? --------------------------------

    /// @inheritdoc IDisputes
    function disputeAggregate(
        Checkpoint calldata checkpoint,
        uint32 coordinate,
        RevealedUpdate[] calldata updates,
        uint16 first,
        Opening[] calldata openings,
        Opening calldata aggregate,
        bytes calldata order
    ) external {
        Signed.acceptedAs(beacon, checkpoint);
        int256[] memory lanes = _openLanes(checkpoint, coordinate, updates, first, openings);
        if (!_isOpen(aggregate, checkpoint.aggregateRoot, 32, coordinate / 8)) revert NotOpened("aggregate", 0);
        _addKnownLanes(lanes, _lanes[checkpoint.round][checkpoint.shard][coordinate], first, openings.length);

        int32 mean = Aggregate.meanOfLanes(lanes, _trimOf(checkpoint.round), order);
        if (mean == Lanes.laneAt(aggregate.data, 32, coordinate % 8)) revert AggregateIsRight(coordinate, mean);
        uint64 attested = _attestedIn(checkpoint.round, checkpoint.shard);
        _convictCommittee(Fault.Aggregate, checkpoint.round, checkpoint.shard, attested);
    }

    /// @inheritdoc IDisputes
    function openLanes(
        Checkpoint calldata checkpoint,
        uint32 coordinate,
        RevealedUpdate[] calldata updates,
        uint16 first,
        Opening[] calldata openings
    ) external {
        Signed.acceptedAs(beacon, checkpoint);
        int256[] memory lanes = _openLanes(checkpoint, coordinate, updates, first, openings);
        _keepLanes(lanes, _lanes[checkpoint.round][checkpoint.shard][coordinate], first, openings.length);
    }

    /// @inheritdoc IDisputes
    function disputeAggregateContent(Checkpoint calldata checkpoint, bytes32[] calldata chunks) external {
        uint64 attested = Signed.acceptedAs(beacon, checkpoint).attested;
        _requireWhole(chunks, checkpoint.aggregateRoot);
        bytes32 digest = Content.digestOfAggregate(checkpoint, _quantumLength, _classicalLength, chunks);
        _requireFalse(chunks, digest, checkpoint.contentDigest);
        _convictCommittee(Fault.Aggregate, checkpoint.round, checkpoint.shard, attested);
    }

    // --- what a checkpoint includes: was it revealed, and is it within the norm bound? -----------------------

    /// @inheritdoc IDisputes
    function disputeUpdates(Checkpoint calldata checkpoint, RevealedUpdate[] calldata updates) external {
        uint64 attested = Signed.acceptedAs(beacon, checkpoint).attested;
        IShard shard = shards[checkpoint.shard];
        if (address(shard) == address(0)) revert ShardElsewhere(checkpoint.shard);

        bool isBeyond = checkpoint.included >> shard.revealsIn(checkpoint.round) != 0;
        if (!isBeyond) {
            _requireCount("updates", updates.length, checkpoint.count);
            _requireRevealed(shard, checkpoint, updates);
            if (Recompute.updatesRootOf(updates) == checkpoint.updatesRoot) {
                revert UpdatesAreRight(checkpoint.updatesRoot);
            }
        }
        _convictCommittee(Fault.Updates, checkpoint.round, checkpoint.shard, attested);
    }

    /// @inheritdoc IDisputes
    function disputeNorm(
        Checkpoint calldata checkpoint,
        uint16 position,
        RevealedUpdate calldata update,
        bytes32[] calldata path,
        bytes32[] calldata chunks,
        bytes32 seed
    ) external {
        uint64 attested = Signed.acceptedAs(beacon, checkpoint).attested;
        Signed.requireIncluded(checkpoint, position, update, path);
        RoundParameters memory parameters = beacon.parametersOf(checkpoint.round);
        _requireCount("chunks", chunks.length, Lanes.chunksFor(_coordinates(), parameters.laneBits));
        if (!_isUpdate(chunks, seed, update.updateRoot)) revert NotOpened("chunks", position);

        uint256 squaredNorm = Lanes.squaredNorm(chunks, parameters.laneBits);
        if (squaredNorm <= parameters.normBound) revert WithinNorm(squaredNorm, parameters.normBound);
        _convictCommittee(Fault.Norm, checkpoint.round, checkpoint.shard, attested);
    }

    // --- a published model: is it the base and the weighted mean of the shards' aggregates? ------------------

    /// @inheritdoc IDisputes
    function disputeModel(
        uint64 round,
        uint32 coordinate,
        Checkpoint[] calldata checkpoints,
        Opening[] calldata aggregates,
        Opening calldata base,
        Opening calldata model
    ) external {
        _requireCoordinate(coordinate);
        PublishedModel memory published = _publishedModel(round, coordinate, checkpoints, aggregates);
        (uint256 chunk, uint256 position) = (coordinate / 8, coordinate % 8);
        if (!_isOpen(base, published.baseRoot, 32, chunk)) revert NotOpened("base", 0);
        if (!_isOpen(model, published.modelRoot, 32, chunk)) revert NotOpened("model", 0);

        int32 before = int32(Lanes.laneAt(base.data, 32, position));
        int32 right = Recompute.nextOf(coordinate, before, published.rule);
        if (right == Lanes.laneAt(model.data, 32, position)) revert ModelIsRight(coordinate, right);
        _convictPublisher(Fault.Model, round, published.publisher);
    }

    /// @inheritdoc IDisputes
    function sumAggregates(
        uint64 round,
        uint32 coordinate,
        Checkpoint[] calldata checkpoints,
        Opening[] calldata aggregates
    ) external {
        _requireCoordinate(coordinate);
        Signed.published(beacon, round);
        KnownSum storage known = _sums[round][coordinate];
        (int256 sum, uint256 count, uint256 summed) = _sumWith(known, round, coordinate, checkpoints, aggregates);

        (known.weightedSum, known.count, known.checkpoints) = (int128(sum), uint64(count), uint16(summed));
        for (uint256 i = 0; i < checkpoints.length; ++i) {
            uint256 shard = checkpoints[i].shard;
            known.shards[shard / 256] |= 1 << (shard % 256);
        }
    }

    /// @inheritdoc IDisputes
    function disputeModelContent(uint64 round, bytes32[] calldata chunks) external {
        Round memory published = Signed.published(beacon, round);
        _requireWhole(chunks, published.modelRoot);
        bytes32 baseRoot = beacon.roundAt(published.baseRound).modelRoot;
        bytes32 digest = Content.digestOfModel(round, _quantumLength, _classicalLength, baseRoot, chunks);
        _requireFalse(chunks, digest, published.contentDigest);
        _convictPublisher(Fault.Model, round, published.publisher);
    }

    // --- what a seat signed: two checkpoints for one turn? ---------------------------------------------------

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
        bytes32 digest = _requireSigned(one, seat, validator, keyIndexOne, signatureOne);
        if (digest == _requireSigned(other, seat, validator, keyIndexOther, signatureOther)) revert NotEquivocation();

        equivocated[round][shard] |= uint64(1) << seat;
        _punish(Fault.Equivocation, round, shard, _alone(validator));
    }

    // --- what a seat told its shard's mirror: is it the beacon's? --------------------------------------------

    /// @inheritdoc IDisputes
    function punishMirrorLie(uint64 round, uint16 shard, uint32 validator, address challenger) external {
        if (msg.sender != mirrorFaults) revert NotMirrorFaults(msg.sender);
        _punishFor(challenger, Fault.Mirror, round, shard, _alone(validator));
    }

    // --- what is withheld: was it demanded, and not shown in time? -------------------------------------------

    /// @inheritdoc IDisputes
    function disputeWithheld(Part calldata part) external {
        if (!demands.isOverdue(part)) revert NotOverdue();
        if (part.subject == Subject.Model) {
            _convictPublisher(Fault.Withheld, part.round, Signed.published(beacon, part.round).publisher);
        } else {
            _convictCommittee(Fault.Withheld, part.round, part.shard, _attestedIn(part.round, part.shard));
        }
    }

    // --- for the beacon, which was deployed before the shards -------------------------------------------------

    /// @inheritdoc IDisputes
    function requireReveals(uint64 round, uint16 shard, bytes32 revealsHash) external view {
        IShard asked = shards[shard];
        if (address(asked) == address(0)) return;
        bytes32 expected = asked.revealsHash(round);
        if (revealsHash != expected) revert WrongReveals(revealsHash, expected);
    }

    // --- inside: verdicts ------------------------------------------------------------------------------------

    /// @dev Voids the checkpoint and slashes every seat that attested it. Reverts in a final round.
    function _convictCommittee(Fault fault, uint64 round, uint16 shard, uint64 attested) private {
        uint32[] memory committee = beacon.committee(round, shard);
        uint256 found = 0;
        for (uint256 seat = 0; seat < committee.length; ++seat) {
            if ((attested >> seat) & 1 == 0) continue;
            committee[found] = committee[seat];
            ++found;
        }
        assembly ("memory-safe") {
            mstore(committee, found)
        }
        beacon.voidCheckpoint(round, shard);
        _punish(fault, round, shard, committee);
    }

    /// @dev Where the only shard's checkpoint carried the model, its attesters signed for it.
    function _convictPublisher(Fault fault, uint64 round, uint32 publisher) private {
        if (publisher == 0) return _convictCommittee(fault, round, 0, _attestedIn(round, 0));
        beacon.voidModel(round);
        _punish(fault, round, 0, _alone(publisher));
    }

    /// @dev Assumes that whatever keeps a fault from being punished again is written already: the challenger is paid here.
    function _punish(Fault fault, uint64 round, uint16 shard, uint32[] memory guilty) private {
        _punishFor(msg.sender, fault, round, shard, guilty);
    }

    function _punishFor(address challenger, Fault fault, uint64 round, uint16 shard, uint32[] memory guilty) private {
        uint256 takenWei = staking.slash(guilty, challenger);
        emit FaultProven(fault, round, shard, challenger, guilty, takenWei);
    }

    // --- inside: what was accepted, published and signed -----------------------------------------------------

    /// @dev Checks that the round's model can be disputed, and that `checkpoints`, with those that are summed up already,
    /// are all that it follows from.
    function _publishedModel(
        uint64 round,
        uint32 coordinate,
        Checkpoint[] calldata checkpoints,
        Opening[] calldata aggregates
    ) private view returns (PublishedModel memory model) {
        Round memory published = Signed.published(beacon, round);
        ModelRule memory rule = model.rule;
        KnownSum storage known = _sums[round][coordinate];
        uint256 summed;
        (rule.weightedSum, rule.count, summed) = _sumWith(known, round, coordinate, checkpoints, aggregates);
        _requireCount("checkpoints", summed, published.checkpoints);
        RoundParameters memory parameters = beacon.parametersOf(round);
        (rule.quantumExponent, rule.classicalExponent) = (parameters.quantumExponent, parameters.classicalExponent);
        rule.angles = _quantumLength;
        model.baseRoot = beacon.roundAt(published.baseRound).modelRoot;
        (model.modelRoot, model.publisher) = (published.modelRoot, published.publisher);
    }

    /// @dev Which seats attested the accepted checkpoint.
    function _attestedIn(uint64 round, uint16 shard) private view returns (uint64) {
        return beacon.checkpointAt(round, shard).attested;
    }

    /// @dev What is known, and what the aggregates of `checkpoints` add to it; those that are in it already add nothing, so
    /// that nobody can spoil a proof by being quicker with a part of it.
    function _sumWith(
        KnownSum storage known,
        uint64 round,
        uint32 coordinate,
        Checkpoint[] calldata checkpoints,
        Opening[] calldata aggregates
    ) private view returns (int256 sum, uint256 count, uint256 summed) {
        _requireCount("aggregates", aggregates.length, checkpoints.length);
        (sum, count, summed) = (known.weightedSum, known.count, known.checkpoints);
        for (uint256 i = 0; i < checkpoints.length; ++i) {
            Checkpoint calldata checkpoint = checkpoints[i];
            uint256 shard = checkpoint.shard;
            if (checkpoint.round != round || (i != 0 && shard <= checkpoints[i - 1].shard)) revert WrongCheckpoint(i);
            Signed.acceptedAs(beacon, checkpoint);
            if ((known.shards[shard / 256] >> (shard % 256)) & 1 == 1) continue;
            sum += _meanIn(aggregates[i], checkpoint, i, coordinate) * int256(uint256(checkpoint.count));
            count += checkpoint.count;
            ++summed;
        }
    }

    /// @dev The coordinate in a checkpoint's aggregate.
    function _meanIn(
        Opening calldata aggregate,
        Checkpoint calldata checkpoint,
        uint256 index,
        uint32 coordinate
    ) private view returns (int256) {
        if (!_isOpen(aggregate, checkpoint.aggregateRoot, 32, coordinate / 8)) revert NotOpened("aggregates", index);
        return Lanes.laneAt(aggregate.data, 32, coordinate % 8);
    }

    /// @dev The validator in a seat that was not punished yet.
    function _seated(uint64 round, uint16 shard, uint8 seat) private view returns (uint32) {
        uint32[] memory committee = beacon.committee(round, shard);
        if (seat >= committee.length) revert NoSuchSeat(seat, committee.length);
        if ((equivocated[round][shard] >> seat) & 1 == 1) revert AlreadyProven(round, shard, seat);
        return committee[seat];
    }

    /// @dev Checks that `validator` in `seat` signed `checkpoint`, and returns the digest that it signed.
    function _requireSigned(
        Checkpoint calldata checkpoint,
        uint8 seat,
        uint32 validator,
        uint32 keyIndex,
        bytes calldata signature
    ) private view returns (bytes32 digest) {
        digest = beacon.checkpointDigest(checkpoint);
        Turn memory turn = beacon.turnAt(checkpoint.round, checkpoint.turn);
        beacon.quorum().requireAttested(validator, seat, keyIndex, digest, turn, signature);
    }

    // --- inside: what was opened -----------------------------------------------------------------------------

    /// @dev Checks that `updates` were revealed under the numbers in `checkpoint.included`, lowest first.
    function _requireRevealed(
        IShard shard,
        Checkpoint calldata checkpoint,
        RevealedUpdate[] calldata updates
    ) private view {
        uint256 rest = checkpoint.included;
        uint16 index = 0;
        for (uint256 i = 0; i < updates.length; ++i) {
            while ((rest >> index) & 1 == 0) ++index;
            RevealedUpdate calldata update = updates[i];
            bytes32 revealed = shard.revealedAs(index, update.updateRoot, update.contentDigest);
            if (shard.updateOf(checkpoint.round, update.client) != revealed) revert NotRevealed(update.client, index);
            ++index;
        }
    }

    /// @dev Checks that `updates` are all that the checkpoint includes, in its order.
    function _requireUpdates(Checkpoint calldata checkpoint, RevealedUpdate[] calldata updates) private pure {
        _requireCount("updates", updates.length, checkpoint.count);
        if (Recompute.updatesRootOf(updates) != checkpoint.updatesRoot) revert NotOpened("updates", 0);
    }

    /// @dev The lanes at `coordinate`: those from position `first` on that `openings` are of, zeros elsewhere.
    function _openLanes(
        Checkpoint calldata checkpoint,
        uint32 coordinate,
        RevealedUpdate[] calldata updates,
        uint256 first,
        Opening[] calldata openings
    ) private view returns (int256[] memory lanes) {
        _requireCoordinate(coordinate);
        _requireUpdates(checkpoint, updates);
        uint256 end = first + openings.length;
        if (end > updates.length) revert WrongCount("openings", end, updates.length);
        lanes = new int256[](updates.length);
        uint256 bits = beacon.parametersOf(checkpoint.round).laneBits;
        for (uint256 i = first; i < end; ++i) {
            lanes[i] = _laneIn(openings[i - first], updates[i].updateRoot, bits, coordinate, i);
        }
    }

    /// @dev The lane at `coordinate` of the update at `position`, whose root is `root`.
    function _laneIn(
        Opening calldata opening,
        bytes32 root,
        uint256 bits,
        uint256 coordinate,
        uint256 position
    ) private view returns (int256) {
        uint256 perChunk = 256 / bits;
        if (!_isOpenUpdate(opening, root, bits, coordinate / perChunk)) revert NotOpened("openings", position);
        return Lanes.laneAt(opening.data, bits, coordinate % perChunk);
    }

    /// @dev Keeps `count` lanes from position `first` on. What is known already is written again, and is the same.
    function _keepLanes(int256[] memory lanes, KnownLanes storage known, uint256 first, uint256 count) private {
        uint256 end = first + count;
        uint256 word = 0;
        for (uint256 i = first; i < end; ++i) {
            word |= uint256(uint16(int16(lanes[i]))) << (16 * (i % 16));
            if (i % 16 == 15 || i + 1 == end) {
                known.words[i / 16] |= word;
                word = 0;
            }
        }
        known.positions |= _span(first, count);
    }

    /// @dev Adds to `lanes` those that are known of all positions but the `count` from `first` on.
    function _addKnownLanes(
        int256[] memory lanes,
        KnownLanes storage known,
        uint256 first,
        uint256 count
    ) private view {
        if (count == lanes.length) return;
        uint256 positions = known.positions;
        uint256 given = _span(first, count);
        for (uint256 i = 0; i < lanes.length; ++i) {
            if ((given >> i) & 1 == 1) continue;
            if ((positions >> i) & 1 == 0) revert NotOpened("openings", i);
            lanes[i] = int16(uint16(known.words[i / 16] >> (16 * (i % 16))));
        }
    }

    /// @dev The bits of `count` positions from `first` on: 256 of them at most.
    function _span(uint256 first, uint256 count) private pure returns (uint256) {
        unchecked {
            return ((1 << count) - 1) << first;
        }
    }

    function _trimOf(uint64 round) private view returns (uint16) {
        return beacon.parametersOf(round).trimBps;
    }

    /// @dev Whether `chunks` are all of an update under `root`. Whether it is salted the deployment says, and no seed.
    function _isUpdate(bytes32[] calldata chunks, bytes32 seed, bytes32 root) private view returns (bool) {
        if (isPrivate) return Chunks.saltedRootOf(chunks, seed) == root;
        return seed == 0 && Chunks.unsaltedRootOf(chunks) == root;
    }

    /// @dev Whether `opening` is chunk `index` of an update with lanes of `bits` under `root`.
    function _isOpenUpdate(
        Opening calldata opening,
        bytes32 root,
        uint256 bits,
        uint256 index
    ) private view returns (bool) {
        if (!isPrivate) return _isOpen(opening, root, bits, index);
        bytes memory salted = abi.encodePacked(opening.data, opening.salt);
        return Chunks.verify(root, Lanes.chunksFor(_coordinates(), bits), index, salted, opening.path);
    }

    /// @dev Whether `opening` is chunk `index` of an unsalted vector with lanes of `bits` under `root`.
    function _isOpen(Opening calldata opening, bytes32 root, uint256 bits, uint256 index) private view returns (bool) {
        uint256 count = Lanes.chunksFor(_coordinates(), bits);
        return opening.salt == 0 && Chunks.verify(root, count, index, opening.data, opening.path);
    }

    /// @dev Checks that `chunks` are all of the aggregate or model under `root`.
    function _requireWhole(bytes32[] calldata chunks, bytes32 root) private view {
        _requireCount("chunks", chunks.length, Lanes.chunksFor(_coordinates(), 32));
        if (Chunks.unsaltedRootOf(chunks) != root) revert NotOpened("chunks", 0);
    }

    /// @dev Reverts if these are the lanes of the object that was signed for, with nothing behind them.
    function _requireFalse(bytes32[] calldata chunks, bytes32 digest, bytes32 signed) private view {
        uint256 padding = uint256(chunks[chunks.length - 1]) << (32 * (_coordinates() % 8));
        if (digest == signed && (padding == 0 || _coordinates() % 8 == 0)) revert ContentIsRight(digest);
    }

    function _requireCoordinate(uint32 coordinate) private view {
        if (coordinate >= _coordinates()) revert NoSuchCoordinate(coordinate, _coordinates());
    }

    function _coordinates() private view returns (uint256) {
        return uint256(_quantumLength) + _classicalLength;
    }

    function _requireCount(string memory what, uint256 given, uint256 expected) private pure {
        if (given != expected) revert WrongCount(what, given, expected);
    }

    function _alone(uint32 validator) private pure returns (uint32[] memory guilty) {
        guilty = new uint32[](1);
        guilty[0] = validator;
    }
}
