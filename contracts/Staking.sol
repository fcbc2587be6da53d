// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {
    BadParameters,
    BadSignature,
    LeafReused,
    NotActiveClient,
    NotAuthorized,
    NotValidator,
    PaymentRefused
} from "./interfaces/Errors.sol";
import {IDraw} from "./interfaces/IDraw.sol";
import {IHashChains} from "./interfaces/IHashChains.sol";
import {IStaking, LmsKey, Participant, Role, StakingParameters} from "./interfaces/IStaking.sol";
import {Digest} from "./libraries/Digest.sol";
import {Links} from "./libraries/Links.sol";
import {Lms} from "./libraries/Lms.sol";

/// @title Stakes, keys and rewards of clients and validators.
/// @dev Holds `balance == totalStakeWei + totalRewardsWei + rewardPoolWei` between transactions (plus what somebody
/// forced into it). Money leaves last, after every write, so a receiver that calls back finds a settled state.
contract Staking is IStaking {
    using SafeCast for uint256;

    /// @dev One slot, so that a bond writes one counter. 2^88 wei are 309 million ETH.
    struct Totals {
        uint88 stakeWei;
        uint88 rewardsWei;
        uint32 participants;
        uint24 activeValidators;
        uint24 activeClients;
    }

    /// @dev Two slots: an `LmsKey` with the time beside its root.
    struct RetiredKey {
        bytes16 identifier;
        bytes24 root;
        uint8 height;
        uint40 retiredAt;
    }

    /// @dev One slot.
    struct Anchor {
        bytes28 end;
        uint32 firstRound;
    }

    address private constant BURN = 0x000000000000000000000000000000000000dEaD;
    uint256 private constant BPS = 10_000;

    /// @inheritdoc IStaking
    uint96 public immutable minClientStakeWei;
    /// @inheritdoc IStaking
    uint96 public immutable minValidatorStakeWei;
    /// @inheritdoc IStaking
    uint32 public immutable unbondingSeconds;
    /// @inheritdoc IStaking
    uint16 public immutable slashBps;
    /// @inheritdoc IStaking
    uint16 public immutable bountyBps;
    /// @inheritdoc IStaking
    uint16 public immutable forfeitBps;
    /// @inheritdoc IHashChains
    bytes32 public immutable linkDomain;
    address private immutable _deployer;

    /// @inheritdoc IStaking
    uint256 public rewardPoolWei;
    /// @inheritdoc IStaking
    mapping(uint32 id => uint256 amountWei) public rewardsOf;
    /// @inheritdoc IStaking
    mapping(uint32 id => bytes32 keyDigest) public encryptionKeyOf;
    /// @inheritdoc IStaking
    address public beacon;
    /// @inheritdoc IStaking
    IDraw public draw;
    /// @inheritdoc IStaking
    address public disputes;
    /// @inheritdoc IStaking
    address public rewards;

    Totals private _totals;
    mapping(uint32 id => Anchor) private _anchors;
    mapping(uint32 id => Participant) private _participants;
    mapping(uint32 id => mapping(uint32 keyIndex => RetiredKey)) private _retired;
    /// @dev Plus one, of keys that were replaced.
    mapping(uint32 id => mapping(bytes16 identifier => uint32)) private _keyIndexOf;

    constructor(StakingParameters memory parameters) {
        if (parameters.minClientStakeWei == 0) revert BadParameters("minClientStakeWei", 0);
        if (parameters.minValidatorStakeWei == 0) revert BadParameters("minValidatorStakeWei", 0);
        if (parameters.unbondingSeconds == 0) revert BadParameters("unbondingSeconds", 0);
        if (parameters.slashBps == 0 || parameters.slashBps > BPS) {
            revert BadParameters("slashBps", parameters.slashBps);
        }
        if (parameters.bountyBps > BPS) revert BadParameters("bountyBps", parameters.bountyBps);
        if (parameters.forfeitBps > BPS) revert BadParameters("forfeitBps", parameters.forfeitBps);
        minClientStakeWei = parameters.minClientStakeWei;
        minValidatorStakeWei = parameters.minValidatorStakeWei;
        unbondingSeconds = parameters.unbondingSeconds;
        slashBps = parameters.slashBps;
        bountyBps = parameters.bountyBps;
        forfeitBps = parameters.forfeitBps;
        linkDomain = Links.domainOf(address(this));
        _deployer = msg.sender;
    }

    /// @inheritdoc IStaking
    function wire(address beacon_, IDraw draw_, address disputes_, address rewards_) external {
        if (msg.sender != _deployer) revert NotAuthorized(msg.sender);
        if (beacon != address(0)) revert AlreadyWired();
        (beacon, draw, disputes, rewards) = (beacon_, draw_, disputes_, rewards_);
        emit Wired(beacon_, address(draw_), disputes_, rewards_);
    }

    // --- joining and leaving ---------------------------------------------------------------------------------

    /// @inheritdoc IStaking
    function bondClient(
        LmsKey calldata key,
        bytes28 anchor,
        uint32 firstRound,
        address withdrawal
    ) external payable returns (uint32 id) {
        if (msg.value < minClientStakeWei) revert StakeTooLow(msg.value, minClientStakeWei);
        id = _bond(Role.Client, key, withdrawal);
        ++_totals.activeClients;
        if (anchor != 0) _nameAnchor(id, anchor, firstRound);
    }

    /// @inheritdoc IStaking
    function bondValidator(
        LmsKey calldata key,
        bytes28 anchor,
        address withdrawal
    ) external payable returns (uint32 id) {
        if (msg.value < minValidatorStakeWei) revert StakeTooLow(msg.value, minValidatorStakeWei);
        if (anchor == 0) revert EmptyAnchor();
        id = _bond(Role.Validator, key, withdrawal);
        ++_totals.activeValidators;
        draw.setAnchor(id, anchor);
        draw.weigh(id, uint96(msg.value));
    }

    /// @inheritdoc IStaking
    function topUp(uint32 id) external payable {
        Participant storage member = _bonded(id);
        if (member.exitableAt != 0) revert Exiting(id, member.exitableAt);
        if (msg.value == 0) revert StakeTooLow(0, 1);
        uint88 amount = _asStake(msg.value);
        bool wasActive = _isActive(member);

        member.stakeWei += amount;
        _totals.stakeWei += amount;
        _weigh(id, member, wasActive);
        emit ToppedUp(id, amount, member.stakeWei);
    }

    /// @inheritdoc IStaking
    function requestExit(uint32 id, bytes calldata signature) external {
        Participant storage member = _bonded(id);
        if (member.exitableAt != 0) revert Exiting(id, member.exitableAt);
        _spendNonce(id, member, Digest.exit(id, member.nonce), signature);

        bool wasActive = _isActive(member);
        uint40 exitableAt = (block.timestamp + unbondingSeconds).toUint40();
        member.exitableAt = exitableAt;
        _weigh(id, member, wasActive);
        emit ExitRequested(id, exitableAt);
    }

    /// @inheritdoc IStaking
    function withdraw(uint32 id) external {
        Participant memory member = _bonded(id);
        if (member.exitableAt == 0) revert NotExiting(id);
        if (block.timestamp < member.exitableAt) revert StillUnbonding(id, member.exitableAt);
        uint256 owed = rewardsOf[id];
        uint256 amount = member.stakeWei + owed;

        _totals.stakeWei -= uint88(member.stakeWei);
        _totals.rewardsWei -= uint88(owed);
        _retire(id, member);
        delete rewardsOf[id];
        delete encryptionKeyOf[id];
        delete _participants[id];
        _participants[id].keyIndex = member.keyIndex; // its last key's, for `keyIndexOf`
        emit Withdrawn(id, member.withdrawal, amount);
        _pay(member.withdrawal, amount);
    }

    // --- keys ------------------------------------------------------------------------------------------------

    /// @inheritdoc IStaking
    function rotateKey(uint32 id, LmsKey calldata newKey, bytes calldata signature) external {
        Participant storage member = _bonded(id);
        _checkKey(newKey);
        bytes16 oldIdentifier = member.identifier;
        if (newKey.identifier == oldIdentifier || _keyIndexOf[id][newKey.identifier] != 0) {
            revert KeyReused(id, newKey.identifier);
        }
        _spendNonce(id, member, Digest.rotation(id, newKey, member.nonce), signature);

        _retire(id, member);
        _keyIndexOf[id][oldIdentifier] = member.keyIndex + 1;
        (member.identifier, member.root, member.height) = (newKey.identifier, newKey.root, newKey.height);
        member.nextLeaf = 0;
        uint32 keyIndex = ++member.keyIndex;
        emit KeyRotated(id, keyIndex, newKey);
    }

    /// @inheritdoc IStaking
    function setEncryptionKey(uint32 id, bytes32 keyDigest, bytes calldata signature) external {
        Participant storage member = _bonded(id);
        if (member.role != Role.Validator) revert NotValidator(id);
        if (keyDigest == 0) revert EmptyKey();
        _spendNonce(id, member, Digest.encryptionKey(id, keyDigest, member.nonce), signature);

        encryptionKeyOf[id] = keyDigest;
        emit EncryptionKeySet(id, keyDigest);
    }

    /// @inheritdoc IStaking
    function setAnchor(uint32 id, bytes28 anchor, uint32 firstRound, bytes calldata signature) external {
        Participant storage member = _bonded(id);
        if (anchor == 0 && member.role == Role.Validator) revert EmptyAnchor();
        if (member.role == Role.Client && !_isActive(member)) revert NotActiveClient(id);
        _spendNonce(id, member, Digest.anchor(id, anchor, firstRound, member.nonce), signature);

        if (member.role == Role.Client) return _nameAnchor(id, anchor, firstRound);
        draw.setAnchor(id, anchor);
        emit AnchorSet(id, anchor, firstRound);
    }

    /// @inheritdoc IStaking
    function changeWithdrawal(uint32 id, address withdrawal, bytes calldata signature) external {
        Participant storage member = _bonded(id);
        if (withdrawal == address(0)) revert EmptyWithdrawal();
        _spendNonce(id, member, Digest.withdrawal(id, withdrawal, member.nonce), signature);

        member.withdrawal = withdrawal;
        emit WithdrawalChanged(id, withdrawal);
    }

    /// @inheritdoc IStaking
    function authorize(uint32 id, bytes32 digest, bytes calldata signature) external {
        if (msg.sender != beacon) revert NotAuthorized(msg.sender);
        _spendLeaf(id, _bonded(id), digest, signature);
    }

    // --- rewards and slashing --------------------------------------------------------------------------------

    /// @inheritdoc IStaking
    function fundRewards() external payable {
        rewardPoolWei += msg.value;
        emit RewardsFunded(msg.sender, msg.value);
    }

    /// @inheritdoc IStaking
    function creditRewards(uint32[] calldata ids, uint256[] calldata amountsWei) external {
        if (msg.sender != rewards) revert NotAuthorized(msg.sender);
        uint256 creditedWei = 0;
        for (uint256 i = 0; i < ids.length; ++i) {
            if (_participants[ids[i]].role == Role.None) continue;
            rewardsOf[ids[i]] += amountsWei[i];
            creditedWei += amountsWei[i];
            emit RewardCredited(ids[i], amountsWei[i]);
        }
        if (creditedWei > rewardPoolWei) revert RewardPoolTooSmall(creditedWei, rewardPoolWei);

        rewardPoolWei -= creditedWei;
        _totals.rewardsWei += creditedWei.toUint88();
    }

    /// @inheritdoc IStaking
    function payRewards(uint32 id) external {
        address receiver = _bonded(id).withdrawal;
        uint256 amount = rewardsOf[id];
        if (amount == 0) revert NothingOwed(id);

        delete rewardsOf[id];
        _totals.rewardsWei -= uint88(amount);
        emit RewardsPaid(id, receiver, amount);
        _pay(receiver, amount);
    }

    /// @inheritdoc IStaking
    /// @dev A challenger that refuses its bounty undoes its own slash only: anyone else can bring the same proof.
    function slash(uint32[] calldata ids, address challenger) external returns (uint256 takenWei) {
        if (msg.sender != disputes) revert NotAuthorized(msg.sender);
        uint256 bountyWei = 0;
        for (uint256 i = 0; i < ids.length; ++i) {
            (uint256 taken, uint256 bounty) = _take(ids[i], slashBps);
            if (taken == 0) continue;
            takenWei += taken;
            bountyWei += bounty;
            emit Slashed(ids[i], challenger, taken, bounty);
        }
        if (takenWei == 0) return 0;

        _totals.stakeWei -= uint88(takenWei);
        _pay(BURN, takenWei - bountyWei);
        _pay(challenger, bountyWei);
    }

    /// @inheritdoc IStaking
    function forfeit(uint32[] calldata ids, address collector) external {
        if (msg.sender != rewards) revert NotAuthorized(msg.sender);
        uint256 takenWei = 0;
        uint256 bountyWei = 0;
        for (uint256 i = 0; i < ids.length; ++i) {
            (uint256 taken, uint256 bounty) = _take(ids[i], forfeitBps);
            takenWei += taken;
            bountyWei += bounty;
            emit Forfeited(ids[i], collector, taken, bounty);
        }

        _totals.stakeWei -= uint88(takenWei);
        rewardPoolWei += takenWei - bountyWei;
        _pay(collector, bountyWei);
    }

    // --- views -----------------------------------------------------------------------------------------------

    /// @inheritdoc IStaking
    function participant(uint32 id) external view returns (Participant memory) {
        return _participants[id];
    }

    /// @inheritdoc IStaking
    /// @dev Not by `_keyOf`, which would read the stake as well: each seat of a checkpoint asks this.
    function validatorKey(uint32 id) external view returns (LmsKey memory key) {
        Participant storage member = _participants[id];
        if (member.role != Role.Validator) return key;
        (key.identifier, key.root, key.height) = (member.identifier, member.root, member.height);
    }

    /// @inheritdoc IStaking
    function keyAt(uint32 id, uint32 keyIndex) external view returns (LmsKey memory) {
        Participant memory member = _participants[id];
        if (member.role != Role.None && member.keyIndex == keyIndex) return _keyOf(member);
        RetiredKey memory retired = _retired[id][keyIndex];
        return LmsKey({identifier: retired.identifier, root: retired.root, height: retired.height});
    }

    /// @inheritdoc IStaking
    function keyRetiredAt(uint32 id, uint32 keyIndex) external view returns (uint40) {
        return _retired[id][keyIndex].retiredAt;
    }

    /// @inheritdoc IStaking
    function keyIndexOf(uint32 id, bytes16 identifier) external view returns (uint32) {
        uint32 replaced = _keyIndexOf[id][identifier];
        return replaced != 0 ? replaced - 1 : _participants[id].keyIndex;
    }

    /// @inheritdoc IHashChains
    function anchorOf(uint32 id) external view returns (bytes28 anchor, uint32 firstRound) {
        Anchor storage named = _anchors[id];
        return (named.end, named.firstRound);
    }

    /// @inheritdoc IStaking
    function activeValidators() external view returns (uint32) {
        return _totals.activeValidators;
    }

    /// @inheritdoc IStaking
    function activeClients() external view returns (uint32) {
        return _totals.activeClients;
    }

    /// @inheritdoc IStaking
    function participantCount() external view returns (uint32) {
        return _totals.participants;
    }

    /// @inheritdoc IStaking
    function totalStakeWei() external view returns (uint256) {
        return _totals.stakeWei;
    }

    /// @inheritdoc IStaking
    function totalRewardsWei() external view returns (uint256) {
        return _totals.rewardsWei;
    }

    // --- inside ----------------------------------------------------------------------------------------------

    function _bond(Role role, LmsKey calldata key, address withdrawal) private returns (uint32 id) {
        _checkKey(key);
        if (withdrawal == address(0)) revert EmptyWithdrawal();
        uint88 stake = _asStake(msg.value);

        id = ++_totals.participants;
        _totals.stakeWei += stake;
        _participants[id] = Participant({
            withdrawal: withdrawal,
            stakeWei: stake,
            root: key.root,
            nextLeaf: 0,
            nonce: 0,
            identifier: key.identifier,
            height: key.height,
            role: role,
            keyIndex: 0,
            exitableAt: 0
        });
        emit Bonded(id, role, withdrawal, stake, key);
    }

    function _nameAnchor(uint32 client, bytes28 anchor, uint32 firstRound) private {
        _anchors[client] = Anchor({end: anchor, firstRound: firstRound});
        emit AnchorSet(client, anchor, firstRound);
    }

    /// @dev Takes a share of one participant's stake, but for the totals and the payments, which are made once for all.
    function _take(uint32 id, uint256 shareBps) private returns (uint256 takenWei, uint256 bountyWei) {
        Participant storage member = _participants[id];
        takenWei = (member.stakeWei * shareBps) / BPS;
        if (takenWei == 0) return (0, 0);
        bountyWei = (takenWei * bountyBps) / BPS;
        bool wasActive = _isActive(member);

        member.stakeWei -= uint96(takenWei);
        _weigh(id, member, wasActive);
    }

    function _retire(uint32 id, Participant memory member) private {
        _retired[id][member.keyIndex] = RetiredKey({
            identifier: member.identifier,
            root: member.root,
            height: member.height,
            retiredAt: uint40(block.timestamp)
        });
    }

    /// @dev Brings the counters, and a validator's weight in the draw, in line with its stake.
    function _weigh(uint32 id, Participant storage member, bool wasActive) private {
        bool isActive = _isActive(member);
        if (member.role == Role.Client) {
            if (isActive && !wasActive) ++_totals.activeClients;
            if (wasActive && !isActive) {
                --_totals.activeClients;
                delete _anchors[id];
            }
            return;
        }
        if (isActive && !wasActive) ++_totals.activeValidators;
        if (wasActive && !isActive) --_totals.activeValidators;
        if (isActive || wasActive) draw.weigh(id, isActive ? member.stakeWei : 0);
    }

    /// @dev Whether a participant takes on duties: not while it leaves, or holds less than its role asks for. That is half of
    /// the minimum for a client, so that a reveal it missed does not end its part at once.
    function _isActive(Participant storage member) private view returns (bool) {
        uint96 minimum = member.role == Role.Validator ? minValidatorStakeWei : minClientStakeWei / 2;
        return member.exitableAt == 0 && member.stakeWei >= minimum;
    }

    /// @dev Order is the signer's own here, so a leaf below the last accepted one is a reused or stolen one.
    function _spendLeaf(uint32 id, Participant storage member, bytes32 digest, bytes calldata signature) private {
        uint32 leaf = Lms.leafOf(signature);
        if (leaf < member.nextLeaf) revert LeafReused(id, leaf, member.nextLeaf);
        if (!Lms.verify(_keyOf(member), digest, signature)) revert BadSignature(id);
        member.nextLeaf = leaf + 1;
    }

    /// @dev The same for a message that names the participant's nonce.
    function _spendNonce(uint32 id, Participant storage member, bytes32 digest, bytes calldata signature) private {
        _spendLeaf(id, member, digest, signature);
        ++member.nonce;
    }

    /// @dev Money leaves last. What the receiver returns is not copied: it cannot make the payment dear.
    function _pay(address receiver, uint256 amount) private {
        if (!LowLevelCall.callNoReturn(receiver, amount, "")) revert PaymentRefused(receiver, amount);
    }

    function _bonded(uint32 id) private view returns (Participant storage member) {
        member = _participants[id];
        if (member.role == Role.None) revert NotBonded(id);
    }

    /// @dev Bounds the sum of all stakes, and with it every single one and every node of a tree over them.
    function _asStake(uint256 amount) private view returns (uint88) {
        if (_totals.stakeWei + amount > type(uint88).max) revert StakeTooHigh(amount);
        return uint88(amount);
    }

    function _checkKey(LmsKey calldata key) private pure {
        if (key.height != 5 && key.height != 10 && key.height != 15) revert UnsupportedKeyHeight(key.height);
        if (key.root == 0) revert EmptyKey();
    }

    function _keyOf(Participant memory member) private pure returns (LmsKey memory) {
        return LmsKey({identifier: member.identifier, root: member.root, height: member.height});
    }
}
