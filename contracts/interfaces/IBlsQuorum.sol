// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IQuorum} from "./IQuorum.sol";

/// @title One BLS signature for a whole committee, under keys that validators registered beside their LMS keys.
/// @notice Reading 64 keys from storage would cost more than verifying them. So anybody packs registered keys into
/// *pages*: contracts whose code is keys. A bundle names a seat's key by its place in a page; what a page holds is
/// constant, and a bitmap beside it says which of its entries no longer count.
/// @notice A key is x | y, 96 bytes; a signature x.c0 | x.c1 | y.c0 | y.c1, 192 bytes, of a point in G2.
/// @dev Warning: BLS is not post-quantum. Whoever computes discrete logarithms on BLS12-381 can attest for everybody.
interface IBlsQuorum is IQuorum {
    /// @notice A validator registered a key; the one before, if any, is retired.
    event KeyRegistered(uint32 indexed validator, uint32 keyIndex, bytes key);
    /// @notice Registered keys were packed into a page.
    event PagePacked(uint16 indexed page, address data, uint256 entries);

    /// @notice Thrown at deployment on a chain that does not verify BLS signatures with the precompiles of EIP-2537.
    error ChainLacksBls(uint256 chainId);
    /// @notice Thrown when a key or signature has not the length of one.
    error WrongLength(uint256 given, uint256 expected);
    /// @notice Thrown when a key was registered before, by whomever: a key is one validator's, and once.
    error KeyTaken(bytes32 keyDigest);
    /// @notice Thrown when the secret key behind a key did not sign this registration.
    error NotPossessed(uint32 validator);
    /// @notice Thrown when a page would hold no entry, more than `MAX_ENTRIES`, or a part of one.
    error MalformedPage(uint256 entriesBytes);
    /// @notice Thrown when there are as many pages as a bundle can name.
    error TooManyPages();
    /// @notice Thrown when the entries of a page are not in ascending order of validators.
    error OutOfOrder(uint256 slot);
    /// @notice Thrown when a page would take a key from one that holds as many keys that count.
    error BetterPlaced(uint32 validator, uint16 page);
    /// @notice Thrown when what a page or a bundle gives for a validator is not the key it has now.
    error NotCurrentKey(uint32 validator);
    /// @notice Thrown when the aggregate signature is not that of all the seats in the mask.
    error BadAggregate(uint64 seatsMask);

    /// @notice Register a validator's first key, or replace it. Any account may carry this.
    /// @param key The key, 96 bytes; infinity, and points outside the group, are refused.
    /// @param possession Signature by `key`, with itself in front (message augmentation), of the digest that the validator
    /// signs: of no use to anybody else.
    /// @param signature LMS over `BlsKey(participant, keyDigest, nonce)`: the validator's key of now, any leaf; `nonce`
    /// is how many keys it registered before.
    function register(
        uint32 validator,
        bytes calldata key,
        bytes calldata possession,
        bytes calldata signature
    ) external;

    /// @notice Pack current keys into a new page. A key moves out of a page only into one that holds more.
    /// @dev So that nobody can scatter keys over small pages, which would make checkpoints dear.
    /// @param entries `uint32be validator | key` for each, in ascending order of validators.
    /// @return page Its number.
    function pack(bytes calldata entries) external returns (uint16 page);

    /// @notice keccak-256 of the key a validator has now; 0 while it has none.
    function keyDigestOf(uint32 validator) external view returns (bytes32);

    /// @notice keccak-256 of a key a validator has or had; 0 where there never was one.
    function keyDigestAt(uint32 validator, uint32 keyIndex) external view returns (bytes32);

    /// @notice When a key stopped attesting for the validator (unix seconds).
    /// @return retiredAt 0 while the key is current, and for a key that never was.
    function keyRetiredAt(uint32 validator, uint32 keyIndex) external view returns (uint40 retiredAt);

    /// @notice How many keys a validator registered; the current one is the last.
    function keyCount(uint32 validator) external view returns (uint32);

    /// @notice Where these validators' current keys are.
    /// @return places `page << 8 | slot`; `NOT_PACKED` for a key that is in no page.
    function placesOf(uint32[] calldata validators) external view returns (uint24[] memory places);

    /// @notice How many pages there are.
    function pageCount() external view returns (uint256);

    /// @notice A page.
    /// @return data Its contract; the entries begin at the second byte of the code.
    /// @return entries How many of them count.
    /// @return dead Bit `i` is set when entry `i` does not count, or there is none.
    function pageAt(uint16 page) external view returns (address data, uint16 entries, uint256 dead);
}
