// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BadParameters} from "../interfaces/Errors.sol";
import {LINKERS} from "../interfaces/IDraw.sol";
import {Phase, Round, RoundParameters, RoundState} from "../interfaces/IBeacon.sol";
import {MAX_SEATS} from "./Quorum.sol";

/// @notice What is stored of a round: five slots. Its deadlines follow from when it opened and from its parameters.
/// @dev Numbers of rounds have 64 bits elsewhere: 2^48 of them, one a second, take nine million years.
/// @param reachedAt When it got to where it stands: its last checkpoint accepted, published, or failed; 0 before.
/// @param clients How many clients were active when it opened.
/// @param participants The highest number of a participant when it opened.
/// @param checkpointsHash Running hash of the digests of its accepted checkpoints, in their order; unused with one shard.
struct StoredRound {
    bytes32 seed;
    uint48 baseRound;
    uint16 parametersVersion;
    RoundState state;
    uint40 openedAt;
    uint16 checkpoints;
    uint32 publisher;
    uint40 reachedAt;
    uint24 clients;
    uint32 participants;
    bytes32 modelRoot;
    bytes32 contentDigest;
    bytes32 checkpointsHash;
}

/// @title The clock of a round, and the rules its parameters keep.
/// @dev Adds lengths of 32 bits to a time of 40 without a check: it overflows in the year 36812.
library Rounds {
    uint256 private constant MAX_EXPONENT = 28;
    /// @dev Four standard deviations and a half below what a shard takes.
    uint256 private constant PLACES = 192;
    /// @dev What `Draw.validatorDuty` reads at most: 4,096 shards of 64 seats are 32,768 slots. No proof bounds it.
    uint256 private constant MAX_SHARDS = 4_096;

    /// @notice Where a round stands now; a moment before `endsAt` is still inside.
    /// @dev An open round that missed its deadlines is `Idle`, like one that is over. `revealsEndAt` is told of every round that opened.
    function phaseOf(
        StoredRound storage round,
        RoundParameters storage parameters
    ) internal view returns (Phase phase, uint40 endsAt, uint40 revealsEndAt) {
        uint40 openedAt = round.openedAt;
        if (openedAt == 0) return (Phase.Idle, 0, 0);
        uint40 commitEndsAt;
        uint40 checkpointEndsAt;
        uint40 publishEndsAt;
        (commitEndsAt, revealsEndAt, checkpointEndsAt, publishEndsAt) = deadlines(openedAt, parameters);
        if (round.state != RoundState.Open) return (Phase.Idle, 0, revealsEndAt);
        if (block.timestamp < commitEndsAt) return (Phase.Commit, commitEndsAt, revealsEndAt);
        if (block.timestamp < revealsEndAt) return (Phase.Reveal, revealsEndAt, revealsEndAt);
        uint16 checkpoints = round.checkpoints;
        if (checkpoints < parameters.shards && block.timestamp < checkpointEndsAt) {
            return (Phase.Checkpoint, checkpointEndsAt, revealsEndAt);
        }
        if (checkpoints > 0 && block.timestamp < publishEndsAt) return (Phase.Publish, publishEndsAt, revealsEndAt);
        return (Phase.Idle, 0, revealsEndAt);
    }

    /// @notice When a proposer's turn begins: the first when the reveals end.
    function turnBeginsAt(
        StoredRound storage round,
        RoundParameters storage parameters,
        uint8 turn
    ) internal view returns (uint40 beginsAt) {
        (, beginsAt, , ) = deadlines(round.openedAt, parameters);
        unchecked {
            beginsAt += uint40(turn) * parameters.turnSeconds;
        }
    }

    /// @notice When the phases of a round end, the last two at the latest.
    function deadlines(
        uint40 openedAt,
        RoundParameters storage parameters
    ) internal view returns (uint40 commitEndsAt, uint40 revealsEndAt, uint40 checkpointEndsAt, uint40 publishEndsAt) {
        unchecked {
            commitEndsAt = openedAt + parameters.commitSeconds;
            revealsEndAt = commitEndsAt + parameters.revealSeconds;
            checkpointEndsAt = revealsEndAt + parameters.checkpointSeconds;
            publishEndsAt = checkpointEndsAt + parameters.publishSeconds;
        }
    }

    /// @notice The shard that a client belongs to in the round with this seed, and whether it has a place there.
    /// @dev A shard takes 256 commits. Where more clients than `PLACES` belong to each on average, each has a place with
    /// the same probability, so that `PLACES` have one on average: more than 256 then once in 400,000 rounds. So whoever
    /// fills shards with clients of its own gets places in proportion to what it bonds, and shuts nobody out.
    /// @param clients How many clients were active when the round opened.
    function placeOf(
        bytes32 seed,
        uint32 client,
        uint16 shards,
        uint256 clients
    ) internal pure returns (uint16 shard, bool drawn) {
        uint256 lot = uint256(keccak256(abi.encode(seed, client)));
        shard = uint16(lot % shards);
        uint256 places = uint256(shards) * PLACES;
        drawn = clients <= places || (lot >> 128) * clients < places << 128;
    }

    /// @notice The round as the world sees it.
    function describe(
        StoredRound storage round,
        RoundParameters storage parameters
    ) internal view returns (Round memory described) {
        described.seed = round.seed;
        described.baseRound = round.baseRound;
        described.parametersVersion = round.parametersVersion;
        described.state = round.state;
        described.checkpoints = round.checkpoints;
        described.publisher = round.publisher;
        if (round.state == RoundState.Open) described.checkpointedAt = round.reachedAt;
        else described.publishedAt = round.reachedAt;
        described.checkpointsHash = round.checkpointsHash;
        described.modelRoot = round.modelRoot;
        described.contentDigest = round.contentDigest;
        if (round.openedAt == 0) return described;
        (
            described.commitEndsAt,
            described.revealEndsAt,
            described.checkpointEndsAt,
            described.publishEndsAt
        ) = deadlines(round.openedAt, parameters);
        (Phase phase, , ) = phaseOf(round, parameters);
        if (round.state == RoundState.Open && phase == Phase.Idle) described.state = RoundState.Failed;
    }

    /// @notice Reverts with the first parameter that cannot be used.
    /// @param unbondingSeconds Must outlast a round, its challenge window, the time to answer what is demanded at the end of
    /// that, and as long again to dispute the answer, or a seat could leave before its fault is proven.
    /// @param answerSeconds How long there is to answer a demand.
    /// @param isPrivate The circuit of the private mode has lanes of 8 and 16 bits: with others nobody could reveal.
    function check(
        RoundParameters memory p,
        uint256 unbondingSeconds,
        uint256 answerSeconds,
        bool isPrivate
    ) internal pure {
        if (p.commitSeconds == 0) revert BadParameters("commitSeconds", 0);
        // Each seat that may show a link of the draw has a second at least.
        if (p.revealSeconds < LINKERS) revert BadParameters("revealSeconds", p.revealSeconds);
        if (p.turnSeconds == 0) revert BadParameters("turnSeconds", 0);
        if (p.checkpointSeconds == 0) revert BadParameters("checkpointSeconds", 0);
        if (p.publishSeconds < p.turnSeconds) revert BadParameters("publishSeconds", p.publishSeconds);
        if (p.challengeSeconds == 0) revert BadParameters("challengeSeconds", 0);
        if (p.shards == 0 || p.shards > MAX_SHARDS) revert BadParameters("shards", p.shards);
        if (p.seats == 0 || p.seats > MAX_SEATS) revert BadParameters("seats", p.seats);
        if (p.laneBits != 4 && p.laneBits != 8 && p.laneBits != 16) revert BadParameters("laneBits", p.laneBits);
        if (isPrivate && p.laneBits == 4) revert BadParameters("laneBits", 4);
        if (p.quantumExponent > MAX_EXPONENT) revert BadParameters("quantumExponent", p.quantumExponent);
        if (p.classicalExponent > MAX_EXPONENT) revert BadParameters("classicalExponent", p.classicalExponent);
        if (p.trimBps > 5000) revert BadParameters("trimBps", p.trimBps);
        if (p.normBound == 0) revert BadParameters("normBound", 0);
        uint256 liableSeconds =
            uint256(p.commitSeconds) + p.revealSeconds + p.checkpointSeconds + p.publishSeconds + p.challengeSeconds;
        if (liableSeconds >= unbondingSeconds) revert BadParameters("challengeSeconds", p.challengeSeconds);
        if (liableSeconds + 2 * answerSeconds >= unbondingSeconds) revert BadParameters("answerSeconds", answerSeconds);
    }
}
