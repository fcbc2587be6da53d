// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IStaking} from "./IStaking.sol";

/// @dev Seats of a round that may show a link, or all where there are fewer.
uint256 constant LINKERS = 4;

/// @notice How a round was drawn.
/// @param seed Decides shards and committees.
/// @param shards How many shards the round has.
/// @param seats How many seats each committee has.
/// @param parts How many parts of the seats are drawn.
/// @param shownBy The seat whose link seeds the next round, plus one; 0 while none was shown.
/// @param standIns Bit by bit which of the first `LINKERS` seats are held by stand-ins for validators that take on no duties:
/// they have no slot.
struct RoundDraw {
    bytes32 seed;
    uint16 shards;
    uint8 seats;
    uint16 parts;
    uint8 shownBy;
    uint8 standIns;
}

/// @notice A validator's standing.
/// @param position Its place in the stake tree, from 1; 0 while it has none.
/// @param weightWei Its stake now; 0: it takes on no duties. What it is drawn with may be older.
/// @param isQueued Whether a change of its weight waits.
/// @param benchedUntil The first round that it is drawn for like the others; 0 if it never was silent.
struct Standing {
    uint32 position;
    uint96 weightWei;
    bool isQueued;
    uint64 benchedUntil;
}

/// @notice What a validator should do now.
/// @dev `Verify`: it sits in a committee whose checkpoint is missing: propose in its turn, attest otherwise.
enum ValidatorDuty {
    NotActive,
    Wait,
    OpenRound,
    Verify,
    Publish
}

/// @title Who sits in the committees, what seeds the rounds, and whose turn it is.
/// @notice A round's seats are drawn in proportion to stakes that are twelve rounds old or older, from a seed that the links of
/// hash chains decide. In the reveal phase the round's first seats have a time slot each, in order, to show the next link
/// of their chain; the first link shown makes the next seed, keccak256(seed, link). Where none is, it is keccak256(seed,
/// next round); and where a round fails before its last slot is over, and no link was shown, the next has its seed again. A
/// seat that had its slot and let it pass is silent: unpaid for the round, and benched for the next eight. A seat in which
/// somebody stands in for a validator that takes on no duties has no slot, and the time of it passes: who leaves brings
/// nobody else's link about.
/// @dev Seats go to the first of the line of stakes. Where one of them is benched, or takes on no duties, somebody that comes
/// next on the line has its place and nobody else moves, so that leaving regroups no committee.
interface IDraw {
    /// @notice From the next part drawn on, the validator is drawn with this weight. First weights come in tree order.
    event WeightCounted(uint32 indexed id, uint96 weightWei);
    /// @notice A part of a round's seats was drawn: `seats` for each shard from `firstShard` on.
    event SeatsDrawn(uint64 indexed round, uint16 firstShard, uint8 seats, uint32[] validators);
    /// @notice The round's link was shown.
    event LinkShown(uint64 indexed round, uint32 indexed validator, uint8 seat, bytes28 link);
    /// @notice A validator was silent, and is drawn again from round `untilRound` on.
    event Benched(uint32 indexed id, uint64 untilRound);

    /// @notice Thrown when fewer validators can be drawn than are asked for.
    error TooFewValidators(uint256 available, uint256 required);
    /// @notice Thrown when changes are to count early, and the next draw can do without: as many validators can be drawn
    /// as it takes, and few enough are idle.
    error EnoughValidators(uint256 available, uint256 required);
    /// @notice Thrown when more than `most` validators are idle: they take on no duties, but their weights still count.
    /// To pass them over would take more gas than a transaction has.
    error TooManyIdle(uint256 idle, uint256 most);
    /// @notice Thrown when the shard's committee is not drawn yet.
    error CommitteeNotDrawn(uint64 round, uint16 shard);
    /// @notice Thrown when all seats of the round are drawn.
    error AllDrawn(uint64 round);
    /// @notice Thrown when the seat may not show its link now: its slot is another, or its round is over. Both times are 0 for
    /// a seat that has no slot.
    error NotInSlot(uint8 seat, uint40 beginsAt, uint40 endsAt);
    /// @notice Thrown when the round's link was shown before.
    error AlreadyShown(uint64 round);
    /// @notice Thrown when `link` is not the one before the last link of its chain.
    error BadLink(uint32 id, bytes28 link);
    /// @notice Thrown when the participant's last change of its anchor does not count yet.
    error AnchorPending(uint32 id, uint64 fromRound);

    /// @notice Take note of a validator's weight; 0: it takes on no duties. Only the staking contract.
    /// @dev Counts in draws from the twelfth round after the current one on, or later where more than 32 changes are due in
    /// a round, or where rounds are drawn again; at once before round 1. It has one change in the queue at most: a later one
    /// follows when that is through. Nothing happens where the weight is that already.
    function weigh(uint32 id, uint96 weightWei) external;

    /// @notice Give a validator a hash chain, its first one at once, another from the twelfth round after the current one on:
    /// else who knows that it will sit could choose its link. Only the staking contract.
    function setAnchor(uint32 id, bytes28 anchor) external;

    /// @notice Open a round: bench who was silent, let due weights count, draw the first part of its seats. Only the beacon.
    function open(uint64 round, uint16 shards, uint8 seats) external returns (bytes32 seed);

    /// @notice Draw the next part of the current round's seats: at most 256, of whole committees, no validator twice. Anyone
    /// may; the seed and the weights that count are the same whenever that is.
    function drawSeats(uint64 round) external;

    /// @notice Let 32 changes count, in order, whether they are due or not. Anyone may, but only where the next draw
    /// would revert without. `open` and `drawSeats` let changes count early themselves, while fewer validators can be
    /// drawn than they take, or these and the idle ones are more than 320; where their 32 are not enough they revert with
    /// `TooFewValidators` or `TooManyIdle`, and this is called before them.
    function takeChanges() external;

    /// @notice Show a seat's link, in its slot of the reveal phase. Anyone may carry it.
    /// @param seat Counted through all of the round's seats.
    /// @param link What hashes to the last link of the chain of the seat's validator, or to its anchor: bytes28(keccak256(
    /// linkDomain | link)).
    function showLink(uint64 round, uint8 seat, bytes28 link) external;

    /// @notice The validators in a committee's seats, in seat order.
    function committee(uint64 round, uint16 shard) external view returns (uint32[] memory);
    /// @notice Whether the shard's committee of that round is drawn. Of a round that is over, the others never will be.
    function isDrawn(uint64 round, uint16 shard) external view returns (bool);
    /// @notice The validators in all seats of a round that are drawn, shard by shard.
    function seatsOf(uint64 round) external view returns (uint32[] memory);
    /// @notice Which seats of the round, as bits, had their slot and did not show their link.
    function silentSeats(uint64 round) external view returns (uint256);
    /// @notice When a seat may show its link (unix seconds), if none before it does; both 0 for those that have no slot.
    function slotOf(uint64 round, uint8 seat) external view returns (uint40 beginsAt, uint40 endsAt);
    /// @notice Who would be drawn with `seed` in the current round.
    function sample(bytes32 seed, uint256 count) external view returns (uint32[] memory);
    /// @notice How a round was drawn. Also has the seed of the next round, once that is decided.
    function drawOf(uint64 round) external view returns (RoundDraw memory);
    /// @notice A validator's standing.
    function standingOf(uint32 id) external view returns (Standing memory);
    /// @notice What a validator is drawn with now, in wei.
    function weightOf(uint32 id) external view returns (uint96);
    /// @notice What validator `id` should do now, and by when.
    function validatorDuty(
        uint32 id
    ) external view returns (ValidatorDuty duty, uint64 round, uint16 shard, uint8 seat, uint40 deadline);
    /// @notice Who may publish the current round's model now, and until when; both 0 outside the publish phase. From its
    /// beginning on the seats take turns of `turnSeconds` each, shard by shard and round again, those of the first part.
    function publisherOf(uint64 round) external view returns (uint32 validator, uint40 until);
    /// @notice The last link that a validator showed, or its anchor, and how many it has shown since that.
    function chainOf(uint32 id) external view returns (bytes28 tip, uint32 shown);
    /// @notice How many changes of weights wait.
    function queueLength() external view returns (uint256);
    /// @notice What every link is hashed with: keccak256(chain id, staking contract).
    function linkDomain() external view returns (bytes32);
    /// @notice Where participants are bonded.
    function staking() external view returns (IStaking);
}
