// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDraw} from "./IDraw.sol";
import {IHashChains} from "./IHashChains.sol";

/// @notice What a participant does in the protocol.
enum Role {
    None,
    Client,
    Validator
}

/// @notice An LMS public key: LMS_SHA256_M24_H{5,10,15} over LMOTS_SHA256_N24_W4 (RFC 8554, NIST SP 800-208).
/// @param identifier The 16-byte key pair identifier `I`.
/// @param root The 24-byte root `T[1]` of the key's Merkle tree.
/// @param height The tree's height: 5, 10 or 15; the key signs 2^height times.
struct LmsKey {
    bytes16 identifier;
    bytes24 root;
    uint8 height;
}

/// @notice A bonded participant.
/// @param withdrawal Where stake and rewards are paid to; changed only by the participant's own signature.
/// @param stakeWei The stake that can still be slashed, in wei.
/// @param key The key that speaks for the participant now.
/// @param nextLeaf The lowest leaf of `key` that this contract still accepts.
/// @param nonce The number that the next exit, rotation, encryption key or withdrawal change must name.
/// @param role Client or validator.
/// @param keyIndex How often the key was rotated; `keyAt(id, keyIndex)` is `key`.
/// @param exitableAt When the stake may be withdrawn (unix seconds); 0 while no exit was asked for.
struct Participant {
    address withdrawal;
    uint96 stakeWei;
    bytes24 root;
    uint32 nextLeaf;
    uint32 nonce;
    bytes16 identifier;
    uint8 height;
    Role role;
    uint32 keyIndex;
    uint40 exitableAt;
}

/// @notice What is fixed when the staking contract is deployed.
/// @param minClientStakeWei Least stake of a client when it bonds, in wei; it stays active down to half of it.
/// @param minValidatorStakeWei Least stake of a validator, in wei.
/// @param unbondingSeconds Seconds between asking to leave and being able to.
/// @param slashBps Share of the stake that a proven fault costs, in 1/10000.
/// @param bountyBps Share of what is taken that goes to who proved the fault, in 1/10000; the rest is burned.
/// @param forfeitBps Share of the stake that a commitment costs whose update was never revealed, in 1/10000: the bounty
/// goes to who collects it, the rest into the reward pool.
struct StakingParameters {
    uint96 minClientStakeWei;
    uint96 minValidatorStakeWei;
    uint32 unbondingSeconds;
    uint16 slashBps;
    uint16 bountyBps;
    uint16 forfeitBps;
}

/// @title Stakes, keys and rewards of clients and validators.
/// @notice A message is authorized by the participant's LMS signature, never by `msg.sender`: any account may carry it.
interface IStaking is IHashChains {
    /// @notice A participant joined.
    event Bonded(uint32 indexed id, Role indexed role, address indexed withdrawal, uint256 stakeWei, LmsKey key);
    /// @notice Stake was added.
    event ToppedUp(uint32 indexed id, uint256 amountWei, uint256 stakeWei);
    /// @notice An exit was asked for: no new duties, still liable until `exitableAt`.
    event ExitRequested(uint32 indexed id, uint40 exitableAt);
    /// @notice The participant left with `amountWei` (stake and rewards).
    event Withdrawn(uint32 indexed id, address indexed withdrawal, uint256 amountWei);
    /// @notice The key was replaced.
    event KeyRotated(uint32 indexed id, uint32 keyIndex, LmsKey key);
    /// @notice A validator said which key it decrypts with.
    event EncryptionKeySet(uint32 indexed id, bytes32 keyDigest);
    /// @notice The withdrawal address was replaced.
    event WithdrawalChanged(uint32 indexed id, address indexed withdrawal);
    /// @notice The participant named the end of a hash chain: a client of its first or another, a validator of another.
    event AnchorSet(uint32 indexed id, bytes28 anchor, uint32 firstRound);
    /// @notice The reward pool grew.
    event RewardsFunded(address indexed from, uint256 amountWei);
    /// @notice A reward moved from the pool to a participant's account.
    event RewardCredited(uint32 indexed id, uint256 amountWei);
    /// @notice Rewards were paid out.
    event RewardsPaid(uint32 indexed id, address indexed withdrawal, uint256 amountWei);
    /// @notice Stake was taken for a proven fault: a bounty for who proved it, the rest burned.
    event Slashed(uint32 indexed id, address indexed challenger, uint256 amountWei, uint256 bountyWei);
    /// @notice Stake was taken for a commitment that was never revealed: a bounty for who collected it, the rest for the pool.
    event Forfeited(uint32 indexed id, address indexed collector, uint256 amountWei, uint256 bountyWei);
    /// @notice The contracts that may authorize, slash and credit were set, once and for all.
    event Wired(address indexed beacon, address draw, address indexed disputes, address indexed rewards);

    /// @notice Thrown when the stake is below the role's minimum, or nothing is added to it.
    error StakeTooLow(uint256 givenWei, uint256 minimumWei);
    /// @notice Thrown when all stakes together would not fit 88 bits.
    error StakeTooHigh(uint256 givenWei);
    /// @notice Thrown when an LMS key's tree height is none of 5, 10, 15.
    error UnsupportedKeyHeight(uint8 height);
    /// @notice Thrown when a key's root, or an encryption key's digest, is zero.
    error EmptyKey();
    /// @notice Thrown when a validator names no hash chain.
    error EmptyAnchor();
    /// @notice Thrown when a rotation names a key the participant has or had: its leaves may have signed already.
    error KeyReused(uint32 id, bytes16 identifier);
    /// @notice Thrown when the withdrawal address is zero.
    error EmptyWithdrawal();
    /// @notice Thrown when `id` names no bonded participant.
    error NotBonded(uint32 id);
    /// @notice Thrown when the participant is on its way out.
    error Exiting(uint32 id, uint40 exitableAt);
    /// @notice Thrown when no exit was asked for.
    error NotExiting(uint32 id);
    /// @notice Thrown when the unbonding delay still runs.
    error StillUnbonding(uint32 id, uint40 exitableAt);
    /// @notice Thrown when nothing is owed.
    error NothingOwed(uint32 id);
    /// @notice Thrown when the reward pool holds less than the reward.
    error RewardPoolTooSmall(uint256 requiredWei, uint256 availableWei);
    /// @notice Thrown when the contracts were wired already.
    error AlreadyWired();

    /// @notice Join as a client with `msg.value` as stake.
    /// @dev Takes no signature: a key says nothing until its owner signs for the id given here.
    /// @param key The LMS key that will speak for the client.
    /// @param anchor The end of a hash chain of its own, with whose links it commits; zero: it signs every commitment.
    /// @param firstRound The round that the chain's first two links are for (`IShard.commitByKey`).
    /// @param withdrawal Where stake and rewards go.
    /// @return id The participant's number, from 1.
    function bondClient(
        LmsKey calldata key,
        bytes28 anchor,
        uint32 firstRound,
        address withdrawal
    ) external payable returns (uint32 id);

    /// @notice Join as a validator with `msg.value` as stake; `IDraw` says from when on it is drawn.
    /// @param anchor The end of the hash chain whose links it will show (`IDraw.showLink`).
    function bondValidator(
        LmsKey calldata key,
        bytes28 anchor,
        address withdrawal
    ) external payable returns (uint32 id);

    /// @notice Add `msg.value`, which is not 0, to a participant's stake; anyone may.
    function topUp(uint32 id) external payable;

    /// @notice Ask to leave. The stake stays liable for `unbondingSeconds`.
    /// @param signature LMS over `Exit(participant, nonce)`.
    function requestExit(uint32 id, bytes calldata signature) external;

    /// @notice Pay stake and rewards of an exited participant to its withdrawal address; anyone may call.
    function withdraw(uint32 id) external;

    /// @notice Replace the key; the old one signs, with one of its last leaves if need be.
    /// @param signature LMS of the old key over `Rotation(participant, identifier, root, height, nonce)`.
    function rotateKey(uint32 id, LmsKey calldata newKey, bytes calldata signature) external;

    /// @notice Say which ML-KEM-768 key clients of the private mode encrypt to. Validators only.
    /// @dev Not checked against anything: a validator that names a key it does not hold cannot verify updates, and so
    /// cannot attest.
    /// @param keyDigest sha256 of the raw 1,184-byte public key: the key is one raw block on IPFS.
    /// @param signature LMS over `EncryptionKey(participant, keyDigest, nonce)`.
    function setEncryptionKey(uint32 id, bytes32 keyDigest, bytes calldata signature) external;

    /// @notice Name the end of another hash chain. A client's counts at once, a validator's from the twelfth round after the
    /// current one on.
    /// @param firstRound Of a client's, as in `bondClient`; of a validator's it is not kept.
    /// @param signature LMS over `Anchor(participant, anchor, firstRound, nonce)`.
    function setAnchor(uint32 id, bytes28 anchor, uint32 firstRound, bytes calldata signature) external;

    /// @notice Replace the withdrawal address.
    /// @param signature LMS over `Withdrawal(participant, withdrawal, nonce)`.
    function changeWithdrawal(uint32 id, address withdrawal, bytes calldata signature) external;

    /// @notice Pay the rewards credited so far to the withdrawal address; anyone may call.
    function payRewards(uint32 id) external;

    /// @notice Add `msg.value` to the reward pool.
    function fundRewards() external payable;

    /// @notice Check a participant's signature and spend its leaf. Only the beacon.
    function authorize(uint32 id, bytes32 digest, bytes calldata signature) external;

    /// @notice Move rewards from the pool to participants' accounts. Only the rewards contract.
    /// @param ids Who earned something. Those who have left are passed over: what they would get stays in the pool.
    function creditRewards(uint32[] calldata ids, uint256[] calldata amountsWei) external;

    /// @notice Take `forfeitBps` of each participant's stake, pending exit or not. Only the rewards contract.
    /// @param ids Those who have left are passed over.
    /// @param collector Paid `bountyBps` of what is taken, at once and last; the rest goes into the reward pool.
    function forfeit(uint32[] calldata ids, address collector) external;

    /// @notice Take `slashBps` of each participant's stake for a proven fault, pending exit or not. Only the disputes
    /// contract.
    /// @dev Assumes that the caller punishes each fault once, and names nobody twice. A validator left with less than
    /// the minimum is not drawn until it is topped up.
    /// @param ids Who is guilty. Those who have left are passed over, so that nobody who is gone can shield the others.
    /// @param challenger Who proved the fault; paid `bountyBps` of what is taken, at once and last.
    /// @return takenWei What was taken in all.
    function slash(uint32[] calldata ids, address challenger) external returns (uint256 takenWei);

    /// @notice Set the beacon, the draw, the disputes contract (zero: none) and the rewards contract, once. Only the deployer.
    /// @dev Nothing can be authorized, slashed or credited before, and no validator can bond.
    function wire(address beacon, IDraw draw, address disputes, address rewards) external;

    /// @notice The participant, or a zero record after it left.
    function participant(uint32 id) external view returns (Participant memory);

    /// @notice The key that speaks for a validator now; zero, so of no height, for who is none.
    function validatorKey(uint32 id) external view returns (LmsKey memory);

    /// @notice A key the participant has or had; history outlives rotation, so a fault can still be proven.
    function keyAt(uint32 id, uint32 keyIndex) external view returns (LmsKey memory);

    /// @notice The only index at which the participant can have, or have had, a key with that identifier; also after it left.
    /// The last one where it had none: compare the key.
    function keyIndexOf(uint32 id, bytes16 identifier) external view returns (uint32 keyIndex);

    /// @notice When a key stopped speaking for the participant (unix seconds): it was replaced, or the participant left.
    /// @return retiredAt 0 while the key is current, and for a key that never was.
    function keyRetiredAt(uint32 id, uint32 keyIndex) external view returns (uint40 retiredAt);

    /// @notice sha256 of a validator's ML-KEM-768 public key; zero while it has named none, and after it left.
    function encryptionKeyOf(uint32 id) external view returns (bytes32 keyDigest);

    /// @notice Rewards credited and not yet paid, in wei.
    function rewardsOf(uint32 id) external view returns (uint256);

    /// @notice Validators that take on duties now.
    function activeValidators() external view returns (uint32);
    /// @notice Clients that may commit now.
    function activeClients() external view returns (uint32);
    /// @notice Number of ids given out; ids run from 1.
    function participantCount() external view returns (uint32);
    /// @notice All stakes together, in wei.
    function totalStakeWei() external view returns (uint256);
    /// @notice All rewards credited and not yet paid, in wei.
    function totalRewardsWei() external view returns (uint256);
    /// @notice What the reward pool holds, in wei. Balance = stakes + rewards + pool.
    function rewardPoolWei() external view returns (uint256);
    /// @notice The contract that may authorize; zero before `wire`.
    function beacon() external view returns (address);
    /// @notice The contract that draws committees; zero before `wire`.
    function draw() external view returns (IDraw);
    /// @notice The contract that may slash; zero while there is none.
    function disputes() external view returns (address);
    /// @notice The contract that may credit; zero before `wire`.
    function rewards() external view returns (address);
    /// @notice Share of the stake that a proven fault costs, in 1/10000.
    function slashBps() external view returns (uint16);
    /// @notice Share of what is taken that goes to who proved the fault, in 1/10000.
    function bountyBps() external view returns (uint16);
    /// @notice Share of the stake that a commitment costs whose update was never revealed, in 1/10000.
    function forfeitBps() external view returns (uint16);
    /// @notice Seconds between asking to leave and being able to.
    function unbondingSeconds() external view returns (uint32);
    /// @notice Least stake of a client, in wei.
    function minClientStakeWei() external view returns (uint96);
    /// @notice Least stake of a validator, in wei.
    function minValidatorStakeWei() external view returns (uint96);
}
