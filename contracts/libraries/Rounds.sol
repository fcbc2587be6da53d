// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBeacon, Round, RoundParameters, RoundState} from "../interfaces/IBeacon.sol";
import {Phase} from "../interfaces/IBeaconView.sol";

/// @title The clock of a round, and the rules its parameters keep.
library Rounds {
    uint256 private constant MAX_SEATS = 64;
    uint256 private constant MAX_EXPONENT = 24;

    /// @notice Where a round stands now; a moment before `endsAt` is still inside.
    /// @dev An open round that missed its deadlines is `Idle`, like one that is over.
    function phaseOf(Round storage round, uint16 shards) internal view returns (Phase phase, uint40 endsAt) {
        if (round.state != RoundState.Open) return (Phase.Idle, 0);
        if (block.timestamp < round.commitEndsAt) return (Phase.Commit, round.commitEndsAt);
        if (block.timestamp < round.revealEndsAt) return (Phase.Reveal, round.revealEndsAt);
        uint16 checkpoints = round.checkpoints;
        if (checkpoints < shards && block.timestamp < round.checkpointEndsAt) {
            return (Phase.Checkpoint, round.checkpointEndsAt);
        }
        if (checkpoints > 0 && block.timestamp < round.publishEndsAt) return (Phase.Publish, round.publishEndsAt);
        return (Phase.Idle, 0);
    }

    /// @notice Reverts with the first parameter that cannot be used.
    /// @param unbondingSeconds Must outlast a round and its challenge window, or a seat could leave before its fault is proven.
    function check(RoundParameters memory p, uint256 unbondingSeconds) internal pure {
        if (p.commitSeconds == 0) revert IBeacon.BadParameters("commitSeconds", 0);
        if (p.revealSeconds == 0) revert IBeacon.BadParameters("revealSeconds", 0);
        if (p.turnSeconds == 0) revert IBeacon.BadParameters("turnSeconds", 0);
        if (p.checkpointSeconds == 0) revert IBeacon.BadParameters("checkpointSeconds", 0);
        if (p.publishSeconds == 0) revert IBeacon.BadParameters("publishSeconds", 0);
        if (p.challengeSeconds == 0) revert IBeacon.BadParameters("challengeSeconds", 0);
        if (p.shards == 0) revert IBeacon.BadParameters("shards", 0);
        if (p.seats == 0 || p.seats > MAX_SEATS) revert IBeacon.BadParameters("seats", p.seats);
        if (p.laneBits != 8 && p.laneBits != 16) revert IBeacon.BadParameters("laneBits", p.laneBits);
        if (p.quantumExponent > MAX_EXPONENT) revert IBeacon.BadParameters("quantumExponent", p.quantumExponent);
        if (p.classicalExponent > MAX_EXPONENT) {
            revert IBeacon.BadParameters("classicalExponent", p.classicalExponent);
        }
        if (p.trimBps >= 5000) revert IBeacon.BadParameters("trimBps", p.trimBps);
        if (p.normBound == 0) revert IBeacon.BadParameters("normBound", 0);
        uint256 liableSeconds =
            uint256(p.commitSeconds) + p.revealSeconds + p.checkpointSeconds + p.publishSeconds + p.challengeSeconds;
        if (liableSeconds >= unbondingSeconds) revert IBeacon.BadParameters("challengeSeconds", p.challengeSeconds);
    }
}
