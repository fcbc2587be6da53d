// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NoSuchSeat, NoSuchShard, NotAuthorized, NotCurrentRound} from "./interfaces/Errors.sol";
import {IBeacon, Phase, Round, RoundContext, RoundParameters, RoundState} from "./interfaces/IBeacon.sol";
import {IDraw, LINKERS, RoundDraw, Standing, ValidatorDuty} from "./interfaces/IDraw.sol";
import {IStaking} from "./interfaces/IStaking.sol";
import {Links} from "./libraries/Links.sol";
import {Seats} from "./libraries/Seats.sol";
import {StakeTree} from "./libraries/StakeTree.sol";

/// @title Who sits in the committees, what seeds the rounds, and whose turn it is.
/// @dev Nobody owns it and it holds no money. Before round 1 there is no link: its seed is of `prevrandao`, and weights count
/// at once, so whoever bonds and opens first has some choice of round 1.
contract Draw is IDraw {
    using Seats for Seats.List;
    using StakeTree for StakeTree.Tree;

    /// @dev One slot. `head` is the number of the first change that waits, `tail` that of the next one to come;
    /// `drawable` counts the validators that have both a stake now and a weight that counts, `idle` those that have such
    /// a weight alone.
    struct State {
        uint64 round;
        uint64 head;
        uint64 tail;
        uint32 drawable;
        uint32 idle;
    }

    /// @dev A weight that counts from round `due` on.
    struct Change {
        uint32 id;
        uint64 due;
        uint96 weightWei;
    }

    /// @dev A draw's places to be filled anew: `left` of them, in a ring from `first` on; and the `passed` benched ones that
    /// have no place yet, of whom no more are kept than there are places. Places that had an idle one's name on them are bits
    /// of `standIns`.
    struct Vacancies {
        uint256[] places;
        uint256 first;
        uint256 left;
        uint32[] benched;
        uint256 passed;
        uint256 standIns;
    }

    /// @dev Of a chain in use, `number` counts the links shown; of one to come, it is the first round that it is good for.
    struct Chain {
        bytes28 tip;
        uint32 number;
    }

    /// @dev Rounds for which a silent validator is benched.
    uint64 private constant BENCH = 8;
    /// @dev Rounds that a weight or an anchor waits. With fewer than four, who knows the seeds to come could choose them; and
    /// who leaves in place of being silent, and bonds anew, is not back before the bench would have ended.
    uint32 private constant LAG = 4 + uint32(BENCH);
    /// @dev Changes that one transaction takes from the queue: bounds its gas.
    uint256 private constant MAX_CHANGES = 32;
    /// @dev Validators that one draw visits at most, but for the benched: those that it seats, and all that are idle.
    uint256 private constant MAX_VISITED = 320;
    /// @dev Seats that one transaction draws: bounds its gas.
    uint256 private constant PART = 256;

    /// @inheritdoc IDraw
    IStaking public immutable staking;
    /// @inheritdoc IDraw
    bytes32 public immutable linkDomain;

    State private _state;
    StakeTree.Tree private _tree;
    mapping(uint256 number => Change) private _queue;
    mapping(uint32 id => Standing) private _standings;
    mapping(uint32 id => Chain) private _chains;
    mapping(uint32 id => Chain) private _pending;
    mapping(uint64 round => RoundDraw) private _draws;
    mapping(uint64 round => mapping(uint256 part => Seats.List)) private _seats;

    constructor(IStaking staking_) {
        staking = staking_;
        linkDomain = Links.domainOf(address(staking_));
    }

    modifier onlyStaking() {
        if (msg.sender != address(staking)) revert NotAuthorized(msg.sender);
        _;
    }

    /// @dev Keeps the counts of drawable and of idle validators where a weight of `id` changes.
    modifier counting(uint32 id) {
        (uint32 wasDrawable, uint32 wasIdle) = _countsOf(id);
        _;
        (uint32 isDrawable, uint32 isIdle) = _countsOf(id);
        _state.drawable = _state.drawable + isDrawable - wasDrawable;
        _state.idle = _state.idle + isIdle - wasIdle;
    }

    // --- weights and chains ----------------------------------------------------------------------------------

    /// @inheritdoc IDraw
    function weigh(uint32 id, uint96 weightWei) external onlyStaking counting(id) {
        Standing storage standing = _standings[id];
        if (weightWei == standing.weightWei) return;
        standing.weightWei = weightWei;
        if (_state.round == 0) _count(id, weightWei);
        else if (!standing.isQueued) _enqueue(id, weightWei);
    }

    /// @inheritdoc IDraw
    function setAnchor(uint32 id, bytes28 anchor) external onlyStaking {
        if (_chains[id].tip == 0) {
            _chains[id].tip = anchor;
            return;
        }
        // A change that could be replaced before it counts would leave a choice of two links to the last.
        uint64 fromRound = _pending[id].number;
        if (fromRound > _state.round) revert AnchorPending(id, fromRound);
        _chains[id] = _chainOf(id);
        _pending[id] = Chain({tip: anchor, number: uint32(_state.round) + LAG});
    }

    // --- a round, in order -----------------------------------------------------------------------------------

    /// @inheritdoc IDraw
    function open(uint64 round, uint16 shards, uint8 seats) external returns (bytes32 seed) {
        if (msg.sender != staking.beacon()) revert NotAuthorized(msg.sender);
        uint64 previous = _state.round;
        if (previous != 0) _benchSilent(previous, round);
        _state.round = round;
        RoundDraw storage drawing = _draws[round];
        seed = _seedOf(round, previous);
        (drawing.seed, drawing.shards, drawing.seats) = (seed, shards, seats);
        _takeChanges(_dueAt(round, previous), _partSize(shards, seats, 0));
        _drawPart(round, drawing);
    }

    /// @inheritdoc IDraw
    function drawSeats(uint64 round) external {
        _requireCurrent(round);
        RoundDraw storage drawing = _draws[round];
        if (_isComplete(drawing)) revert AllDrawn(round);
        _takeChanges(0, _partSize(drawing.shards, drawing.seats, drawing.parts));
        _drawPart(round, drawing);
    }

    /// @inheritdoc IDraw
    function takeChanges() external {
        (uint64 round, uint256 required) = _nextDraw();
        bool isEmpty = _state.head == _state.tail;
        // As that draw would, and only where it would revert all the same: else both could be refused, for ever.
        _takeChanges(round, required);
        if (required == 0 || _canDraw(required)) revert EnoughValidators(_state.drawable, required);
        if (isEmpty) revert TooFewValidators(_state.drawable, required);
    }

    /// @inheritdoc IDraw
    function showLink(uint64 round, uint8 seat, bytes28 link) external {
        _requireCurrent(round);
        RoundDraw storage drawing = _draws[round];
        if (drawing.shownBy != 0) revert AlreadyShown(round);
        uint256 linkers = _linkersOf(drawing);
        if (seat >= linkers) revert NoSuchSeat(seat, linkers);
        Round memory current = _beacon().roundAt(round);
        (uint40 beginsAt, uint40 endsAt) = _slotOf(drawing, current, seat);
        bool isInSlot = block.timestamp >= beginsAt && block.timestamp < endsAt;
        if (current.state != RoundState.Open || !isInSlot) revert NotInSlot(seat, beginsAt, endsAt);
        uint32 id = _seats[round][0].read(seat, 1)[0];
        Chain memory chain = _chainOf(id);
        if (Links.before(link, linkDomain, 1) != chain.tip) revert BadLink(id, link);

        _chains[id] = Chain({tip: link, number: chain.number + 1});
        if (_isRenewed(id)) delete _pending[id];
        drawing.shownBy = seat + 1;
        _draws[round + 1].seed = keccak256(abi.encode(drawing.seed, link));
        emit LinkShown(round, id, seat, link);
    }

    // --- views -----------------------------------------------------------------------------------------------

    /// @inheritdoc IDraw
    function committee(uint64 round, uint16 shard) external view returns (uint32[] memory) {
        RoundDraw storage drawing = _draws[round];
        (uint16 shards, uint256 seats) = (drawing.shards, drawing.seats);
        if (shard >= shards) revert NoSuchShard(shard, shards);
        uint256 committees = PART / seats;
        uint256 part = shard / committees;
        if (part >= drawing.parts) revert CommitteeNotDrawn(round, shard);
        uint32[] memory seated = _seats[round][part].read((shard % committees) * seats, seats);
        assembly {
            // As Solidity would encode it, at a tenth of the gas: the array is in order, what lies before it is not needed.
            let begin := sub(seated, 0x20)
            mstore(begin, 0x20)
            return(begin, shl(5, add(mload(seated), 2)))
        }
    }

    /// @inheritdoc IDraw
    function isDrawn(uint64 round, uint16 shard) external view returns (bool) {
        RoundDraw storage drawing = _draws[round];
        return shard < drawing.shards && shard / (PART / drawing.seats) < drawing.parts;
    }

    /// @inheritdoc IDraw
    function seatsOf(uint64 round) public view returns (uint32[] memory seated) {
        RoundDraw storage drawing = _draws[round];
        uint256 seats = drawing.seats;
        if (seats == 0) return seated;
        uint256 size = (PART / seats) * seats;
        uint256 total = drawing.shards * seats;
        if (drawing.parts * size < total) total = drawing.parts * size;
        seated = new uint32[](total);
        for (uint256 i = 0; i < total; i += size) {
            uint32[] memory part = _seats[round][i / size].read(0, i + size < total ? size : total - i);
            for (uint256 j = 0; j < part.length; ++j) seated[i + j] = part[j];
        }
    }

    /// @inheritdoc IDraw
    function silentSeats(uint64 round) public view returns (uint256) {
        RoundDraw storage drawing = _draws[round];
        uint256 over = 0;
        if (drawing.shownBy != 0) {
            over = drawing.shownBy - 1;
        } else {
            Round memory asked = _beacon().roundAt(round);
            uint256 until = asked.publishedAt == 0 ? block.timestamp : asked.publishedAt;
            uint256 linkers = _linkersOf(drawing);
            while (over < linkers && until >= _slotAt(asked, over + 1, linkers)) ++over;
        }
        return ((1 << over) - 1) & ~uint256(drawing.standIns);
    }

    /// @inheritdoc IDraw
    function slotOf(uint64 round, uint8 seat) external view returns (uint40 beginsAt, uint40 endsAt) {
        return _slotOf(_draws[round], _beacon().roundAt(round), seat);
    }

    /// @inheritdoc IDraw
    function validatorDuty(
        uint32 id
    ) external view returns (ValidatorDuty duty, uint64 round, uint16 shard, uint8 seat, uint40 deadline) {
        RoundContext memory now_ = _beacon().context();
        (round, deadline) = (now_.round, now_.phaseEndsAt);
        bool isSeated;
        if (now_.phase == Phase.Checkpoint) (isSeated, shard, seat) = _openSeatOf(id, round);
        if (isSeated) duty = ValidatorDuty.Verify;
        else if (_standings[id].weightWei == 0) duty = ValidatorDuty.NotActive;
        else if (now_.phase == Phase.Idle) duty = ValidatorDuty.OpenRound;
        else duty = ValidatorDuty.Wait;
        if (now_.phase == Phase.Publish && duty == ValidatorDuty.Wait) {
            uint32 publisher;
            (publisher, deadline) = publisherOf(round);
            if (publisher == id) duty = ValidatorDuty.Publish;
        }
    }

    /// @inheritdoc IDraw
    function publisherOf(uint64 round) public view returns (uint32 validator, uint40 until) {
        RoundContext memory now_ = _beacon().context();
        if (round != now_.round || now_.phase != Phase.Publish) return (0, 0);
        Round memory current = _beacon().roundAt(round);
        bool isEarly = current.checkpoints == now_.shards;
        uint256 beganAt = isEarly ? current.checkpointedAt : current.checkpointEndsAt;
        uint256 slot = (block.timestamp - beganAt) / now_.turnSeconds;
        uint256 endsAt = beganAt + (slot + 1) * now_.turnSeconds;
        until = endsAt < now_.phaseEndsAt ? uint40(endsAt) : now_.phaseEndsAt;
        uint256 committees = PART / now_.seats;
        if (committees > now_.shards) committees = now_.shards;
        validator = _seats[round][0].read(slot % (committees * now_.seats), 1)[0];
    }

    /// @inheritdoc IDraw
    function sample(bytes32 seed, uint256 count) external view returns (uint32[] memory seated) {
        (seated, ) = _sample(seed, count, _state.round);
    }

    /// @inheritdoc IDraw
    function drawOf(uint64 round) external view returns (RoundDraw memory) {
        return _draws[round];
    }

    /// @inheritdoc IDraw
    function standingOf(uint32 id) external view returns (Standing memory) {
        return _standings[id];
    }

    /// @inheritdoc IDraw
    function weightOf(uint32 id) external view returns (uint96) {
        return _tree.weightAt(_standings[id].position);
    }

    /// @inheritdoc IDraw
    function chainOf(uint32 id) external view returns (bytes28 tip, uint32 shown) {
        Chain memory chain = _chainOf(id);
        return (chain.tip, chain.number);
    }

    /// @inheritdoc IDraw
    function queueLength() external view returns (uint256) {
        return _state.tail - _state.head;
    }

    // --- inside ----------------------------------------------------------------------------------------------

    /// @dev The first of its seats whose shard has no checkpoint: it has one at most in each part of the draw.
    function _openSeatOf(uint32 id, uint64 round) private view returns (bool isSeated, uint16 shard, uint8 seat) {
        uint32[] memory seated = seatsOf(round);
        uint256 seats = _draws[round].seats;
        for (uint256 i = 0; i < seated.length; ++i) {
            if (seated[i] != id) continue;
            (shard, seat) = (uint16(i / seats), uint8(i % seats));
            if (_beacon().checkpointAt(round, shard).digest == 0) return (true, shard, seat);
        }
        return (false, 0, 0);
    }

    function _benchSilent(uint64 round, uint64 next) private {
        uint256 silent = silentSeats(round);
        if (silent == 0) return;
        uint32[] memory seated = _seats[round][0].read(0, LINKERS);
        for (uint256 seat = 0; seat < LINKERS; ++seat) {
            if ((silent >> seat) & 1 == 0) continue;
            _standings[seated[seat]].benchedUntil = next + BENCH;
            emit Benched(seated[seat], next + BENCH);
        }
    }

    /// @dev Draws the next part of a round's seats. No seed names the round: one that is drawn again is drawn the same.
    function _drawPart(uint64 round, RoundDraw storage drawing) private {
        (uint16 part, uint8 seats) = (drawing.parts, drawing.seats);
        bytes32 seed = part == 0 ? drawing.seed : keccak256(abi.encode(drawing.seed, seats, part));
        uint256 size = _partSize(drawing.shards, seats, part);
        if (_state.idle > MAX_VISITED - size) revert TooManyIdle(_state.idle, MAX_VISITED - size);
        (uint32[] memory seated, uint256 standIns) = _sample(seed, size, round);

        drawing.parts = part + 1;
        if (part == 0) drawing.standIns = uint8(standIns & ((1 << LINKERS) - 1));
        _seats[round][part].write(seated);
        emit SeatsDrawn(round, uint16(part * (PART / seats)), seats, seated);
    }

    /// @dev What seeds a round that opens now. Where no link was shown in the one before, and that failed before its
    /// slots were over, it is drawn again: else whoever can fail it, by a proof of its own lie, would choose between two
    /// draws.
    function _seedOf(uint64 round, uint64 previous) private view returns (bytes32 seed) {
        seed = _draws[round].seed;
        if (seed != 0) return seed;
        if (previous == 0) return keccak256(abi.encode(block.prevrandao, round));
        seed = _draws[previous].seed;
        Round memory last = _beacon().roundAt(previous);
        bool isCutShort = last.publishedAt != 0 && last.publishedAt < last.revealEndsAt;
        return isCutShort ? seed : keccak256(abi.encode(seed, round));
    }

    /// @dev The round up to which changes are due when `round` opens. None are in one that is drawn again: who could
    /// bring that about would know the seed that its stakes come to count for.
    function _dueAt(uint64 round, uint64 previous) private view returns (uint64) {
        return _seedOf(round, previous) == _draws[previous].seed ? 0 : round;
    }

    /// @dev Lets those changes count that are due in `round`, and more of them while `required` validators cannot be
    /// drawn: else a chain whose validators have left could never open the round that lets new ones in, or the old ones
    /// out.
    function _takeChanges(uint64 round, uint256 required) private {
        for (uint256 i = 0; i < MAX_CHANGES && _state.head < _state.tail; ++i) {
            if (_queue[_state.head].due > round && _canDraw(required)) return;
            _takeChange();
        }
    }

    /// @dev Lets the first change of the queue count. It keeps the weight it was made with, so that nobody chooses it when the
    /// seed is known; what the weight has become since then waits its own time.
    function _takeChange() private {
        uint64 head = _state.head++;
        Change memory change = _queue[head];
        delete _queue[head];
        _applyChange(change.id, change.weightWei);
    }

    function _applyChange(uint32 id, uint96 weightWei) private counting(id) {
        Standing storage standing = _standings[id];
        _count(id, weightWei);
        standing.isQueued = false;
        if (standing.weightWei != weightWei) _enqueue(id, standing.weightWei);
    }

    function _enqueue(uint32 id, uint96 weightWei) private {
        _standings[id].isQueued = true;
        _queue[_state.tail++] = Change({id: id, due: _state.round + LAG, weightWei: weightWei});
    }

    function _count(uint32 id, uint96 weightWei) private {
        Standing storage standing = _standings[id];
        if (standing.position != 0) _tree.setWeight(standing.position, weightWei);
        else if (weightWei != 0) standing.position = _tree.append(id, weightWei);
        emit WeightCounted(id, weightWei);
    }

    /// @dev The first of the line, whoever they are; then those that come next fill the places of the benched, and after them
    /// those of others that are idle. Who comes next and is benched is passed over; a place whose next one is idle waits
    /// behind the others. So whoever leaves, or is back, moves nobody, but for those who stand in for others that are idle:
    /// `standIns` has these places as bits.
    function _sample(
        bytes32 seed,
        uint256 count,
        uint64 round
    ) private view returns (uint32[] memory seated, uint256 standIns) {
        if (_state.drawable < count) revert TooFewValidators(_state.drawable, count);
        seated = new uint32[](count);
        StakeTree.Line memory line = _tree.line(seed, count);
        for (uint256 place = 0; place < count; ++place) seated[place] = _tree.next(line);

        Vacancies memory vacant;
        (vacant.places, vacant.benched) = (new uint256[](count), new uint32[](count));
        _vacate(vacant, seated, true, round);
        _vacate(vacant, seated, false, round);
        while (vacant.left > 0 && line.left > 0) _fill(vacant, seated, _tree.next(line), round);
        _seatBenched(vacant, seated);
        standIns = vacant.standIns;
    }

    /// @dev Adds the places of the benched, or those of others that are idle.
    function _vacate(Vacancies memory vacant, uint32[] memory seated, bool benched, uint64 round) private view {
        for (uint256 place = 0; place < seated.length; ++place) {
            uint32 id = seated[place];
            if (_isBenched(id, round) ? !benched : benched || !_isIdle(id)) continue;
            vacant.places[vacant.left++] = place;
            if (!benched) vacant.standIns |= 1 << place;
        }
    }

    /// @dev Offers the first vacant place to the next of the line.
    function _fill(Vacancies memory vacant, uint32[] memory seated, uint32 id, uint64 round) private view {
        uint256 count = seated.length;
        if (!_isBenched(id, round)) {
            uint256 place = vacant.places[vacant.first];
            vacant.first = (vacant.first + 1) % count;
            if (_isIdle(id)) {
                vacant.places[(vacant.first + vacant.left - 1) % count] = place;
                vacant.standIns |= 1 << place;
            } else {
                --vacant.left;
                (seated[place], id) = (id, seated[place]);
            }
        }
        if (vacant.passed < count && _isBenched(id, round) && !_isIdle(id)) vacant.benched[vacant.passed++] = id;
    }

    /// @dev Nobody else is left: the benched keep the places that are theirs, and those passed over take the others.
    function _seatBenched(Vacancies memory vacant, uint32[] memory seated) private view {
        uint256 next = 0;
        for (uint256 i = 0; i < vacant.left; ++i) {
            uint256 place = vacant.places[(vacant.first + i) % seated.length];
            if (!_isIdle(seated[place])) continue;
            seated[place] = vacant.benched[next++];
            vacant.standIns |= 1 << place;
        }
    }

    function _isBenched(uint32 id, uint64 round) private view returns (bool) {
        return _standings[id].benchedUntil > round;
    }

    /// @dev Whether a validator takes on no duties, though its weight may still count.
    function _isIdle(uint32 id) private view returns (bool) {
        return _standings[id].weightWei == 0;
    }

    /// @dev Whether `required` validators can be drawn, and a transaction has the gas for it.
    function _canDraw(uint256 required) private view returns (bool) {
        return _state.drawable >= required && _state.idle <= MAX_VISITED - required;
    }

    /// @dev Of the next draw, which round's changes are due in it, and how many validators it takes; 0 where nothing is
    /// to be drawn. It is the current round's next part, or the first one of the round that may be opened now.
    function _nextDraw() private view returns (uint64 round, uint256 required) {
        uint64 current = _state.round;
        RoundDraw storage drawing = _draws[current];
        IBeacon beacon = _beacon();
        if (beacon.roundAt(current).state == RoundState.Open) {
            return (0, _isComplete(drawing) ? 0 : _partSize(drawing.shards, drawing.seats, drawing.parts));
        }
        RoundParameters memory parameters = beacon.parametersAt(beacon.parametersVersion());
        return (_dueAt(current + 1, current), _partSize(parameters.shards, parameters.seats, 0));
    }

    /// @dev How many seats a part of the draw has.
    function _partSize(uint256 shards, uint256 seats, uint256 part) private pure returns (uint256) {
        uint256 committees = PART / seats;
        uint256 left = shards - part * committees;
        return (left < committees ? left : committees) * seats;
    }

    function _isComplete(RoundDraw storage drawing) private view returns (bool) {
        return drawing.parts * (PART / drawing.seats) >= drawing.shards;
    }

    /// @dev What a validator adds to the counts of those whose weights count: 1 to one of them, or nothing.
    function _countsOf(uint32 id) private view returns (uint32 drawable, uint32 idle) {
        if (_tree.weightAt(_standings[id].position) != 0) (drawable, idle) = _isIdle(id) ? (0, 1) : (1, 0);
    }

    function _isRenewed(uint32 id) private view returns (bool) {
        uint32 fromRound = _pending[id].number;
        return fromRound != 0 && fromRound <= _state.round;
    }

    function _chainOf(uint32 id) private view returns (Chain memory) {
        return _isRenewed(id) ? Chain({tip: _pending[id].tip, number: 0}) : _chains[id];
    }

    function _linkersOf(RoundDraw storage drawing) private view returns (uint256 linkers) {
        linkers = uint256(drawing.shards) * drawing.seats;
        if (linkers > LINKERS) linkers = LINKERS;
    }

    function _slotOf(
        RoundDraw storage drawing,
        Round memory round,
        uint256 seat
    ) private view returns (uint40 beginsAt, uint40 endsAt) {
        uint256 linkers = _linkersOf(drawing);
        if (seat >= linkers || (drawing.standIns >> seat) & 1 == 1) return (0, 0);
        return (_slotAt(round, seat, linkers), _slotAt(round, seat + 1, linkers));
    }

    /// @dev When slot `number` of the round's reveal phase begins, and the one before it ends.
    function _slotAt(Round memory round, uint256 number, uint256 linkers) private pure returns (uint40) {
        return round.commitEndsAt + uint40((number * (round.revealEndsAt - round.commitEndsAt)) / linkers);
    }

    function _requireCurrent(uint64 round) private view {
        if (round == 0 || round != _state.round) revert NotCurrentRound(round, _state.round);
    }

    function _beacon() private view returns (IBeacon) {
        return IBeacon(staking.beacon());
    }
}
