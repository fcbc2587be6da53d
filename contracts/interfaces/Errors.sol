// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// The refusals that more than one contract has. One that a single contract has stands in its interface. No name has two
// signatures, so that revert data means the same wherever it comes from.

/// @notice Thrown when the seat was slashed for this already: for a round and shard, or for its mirror's message of a round.
error AlreadyProven(uint64 round, uint16 shard, uint8 seat);
/// @notice Thrown when an attestation does not verify under a key of its seat's validator.
error BadAttestation(uint256 seat, uint32 validator);
/// @notice Thrown when parameters contradict themselves or one another; `field` names the first that does.
error BadParameters(string field, uint256 value);
/// @notice Thrown when a signature does not verify under the participant's key.
error BadSignature(uint32 id);
/// @notice Thrown when a signature uses a leaf below the last accepted one.
error LeafReused(uint32 id, uint32 leaf, uint32 nextLeaf);
/// @notice Thrown when a key was retired too long ago for what it signed to count against its owner.
error KeyRetired(uint32 validator, uint32 keyIndex, uint40 retiredAt);
/// @notice Thrown when a bundle's bytes do not parse.
error MalformedBundle();
/// @notice Thrown when the shard has no such accepted checkpoint in the round, or it was voided.
error NoCheckpoint(uint64 round, uint16 shard);
/// @notice Thrown when fewer than two thirds of the seats signed.
error NoQuorum(uint256 signed, uint256 required);
/// @notice Thrown when the committee has no such seat.
error NoSuchSeat(uint256 seat, uint256 seats);
/// @notice Thrown when there is no such shard.
error NoSuchShard(uint16 shard, uint16 shards);
/// @notice Thrown when a checkpoint is not the one that was accepted.
error NotAccepted(uint64 round, uint16 shard);
/// @notice Thrown when the client is not bonded, or leaving, or its stake is below half of the minimum.
error NotActiveClient(uint32 client);
/// @notice Thrown when the caller is not the contract that may do this.
error NotAuthorized(address caller);
/// @notice Thrown when a message is for another round than the current one.
error NotCurrentRound(uint64 given, uint64 current);
/// @notice Thrown when what is given is not what a root stands for; `what` is the argument, `index` its element.
error NotOpened(string what, uint256 index);
/// @notice Thrown when the round has no model that somebody is liable for.
error NotPublished(uint64 round);
/// @notice Thrown when `id` is no validator; where a round's duty is meant, no active one.
error NotValidator(uint32 id);
/// @notice Thrown when a payment is refused by its receiver.
error PaymentRefused(address receiver, uint256 amountWei);
/// @notice Thrown when a precompile gives no answer: a point is not on its curve or outside its group, a coordinate is not
/// below the modulus, the gas ran out, or the chain has no such precompile.
error PrecompileFailed(uint256 precompile);
/// @notice Thrown when an update or a checkpoint builds on another model than the round's base.
error WrongBase(bytes32 given, bytes32 expected);
/// @notice Thrown when there are too few or too many of something; `what` is the argument.
error WrongCount(string what, uint256 given, uint256 expected);
/// @notice Thrown when an order of lanes names something twice or beyond the last, or a lane below the one before it.
error WrongOrder(uint256 index);
/// @notice Thrown when the round is in another phase.
error WrongPhase(uint8 phase, uint8 required);
/// @notice Thrown when a message, or a contract in a list of shards, is for another shard.
error WrongShard(uint16 given, uint16 expected);
