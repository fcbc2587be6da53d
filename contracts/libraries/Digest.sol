// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint} from "../interfaces/IBeacon.sol";
import {MirrorMessage, MirrorSeat} from "../interfaces/IBeaconMirror.sol";
import {LmsKey} from "../interfaces/IStaking.sol";

/// @title The EIP-712 digests that participants sign.
/// @dev The domain names this chain and the calling contract, so no signature is good for another of either.
/// It is computed each time, 400 gas or so: nothing is cached that a fork of the chain would make wrong.
/// (OpenZeppelin's `EIP712` imports code with `mcopy`, which the shanghai EVM does not have.)
library Digest {
    bytes32 private constant DOMAIN = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant NAME = keccak256("QFLchain");
    bytes32 private constant VERSION = keccak256("2");

    bytes32 private constant COMMIT = keccak256(
        "Commit(uint64 round,uint32 client,bytes32 baseRoot,bytes32 commitment)"
    );
    bytes32 private constant CHECKPOINT = keccak256(
        "Checkpoint(uint64 round,uint16 shard,uint8 turn,uint16 count,bytes32 baseRoot,uint256 included,bytes32 updatesRoot,bytes32 aggregateRoot,bytes32 contentDigest,bytes32 revealsHash,bytes32 parametersHash,bytes32 modelRoot,bytes32 modelDigest)"
    );
    bytes32 private constant PUBLICATION = keccak256(
        "Publication(uint64 round,uint32 validator,bytes32 modelRoot,bytes32 contentDigest,bytes32 scoresDigest,bytes32 checkpointsHash)"
    );
    bytes32 private constant ATTESTATION = keccak256("Attestation(bytes32 digest,uint32 validator,uint8 seat)");
    bytes32 private constant EXIT = keccak256("Exit(uint32 participant,uint32 nonce)");
    bytes32 private constant ROTATION = keccak256(
        "Rotation(uint32 participant,bytes16 identifier,bytes24 root,uint8 height,uint32 nonce)"
    );
    bytes32 private constant ENCRYPTION_KEY = keccak256(
        "EncryptionKey(uint32 participant,bytes32 keyDigest,uint32 nonce)"
    );
    bytes32 private constant VOTE_CHAINS = keccak256(
        "VoteChains(uint32 participant,bytes28 first,bytes28 second,uint32 firstRound,uint32 nonce)"
    );
    bytes32 private constant WITHDRAWAL = keccak256("Withdrawal(uint32 participant,address withdrawal,uint32 nonce)");
    bytes32 private constant ANCHOR = keccak256(
        "Anchor(uint32 participant,bytes28 anchor,uint32 firstRound,uint32 nonce)"
    );
    bytes32 private constant LMS_KEY = keccak256("LmsKey(bytes16 identifier,bytes24 root,uint8 height)");
    bytes32 private constant MIRROR_SEAT = keccak256(
        "MirrorSeat(uint32 validator,LmsKey key)LmsKey(bytes16 identifier,bytes24 root,uint8 height)"
    );
    bytes32 private constant MIRRORED_ROUND = keccak256(
        "MirroredRound(uint64 round,uint64 previous,uint16 shard,uint16 shards,uint8 seats,uint8 laneBits,uint32 turnSeconds,uint40 commitEndsAt,uint40 revealEndsAt,uint40 checkpointEndsAt,uint64 normBound,uint32 clientCount,bytes32 seed,bytes32 baseRoot,bytes32 clientsRoot)"
    );
    bytes32 private constant MIRROR_MESSAGE = keccak256(
        "MirrorMessage(MirroredRound round,uint32[] revoked,MirrorSeat[] committee)LmsKey(bytes16 identifier,bytes24 root,uint8 height)MirrorSeat(uint32 validator,LmsKey key)MirroredRound(uint64 round,uint64 previous,uint16 shard,uint16 shards,uint8 seats,uint8 laneBits,uint32 turnSeconds,uint40 commitEndsAt,uint40 revealEndsAt,uint40 checkpointEndsAt,uint64 normBound,uint32 clientCount,bytes32 seed,bytes32 baseRoot,bytes32 clientsRoot)"
    );

    /// @notice What a client signs to commit to an update. Domain: its shard.
    function commit(uint64 round, uint32 client, bytes32 baseRoot, bytes32 commitment) internal view returns (bytes32) {
        return _inDomain(keccak256(abi.encode(COMMIT, round, client, baseRoot, commitment)));
    }

    /// @notice What a committee attests of a checkpoint. Domain: the beacon.
    function checkpoint(Checkpoint calldata attested) internal view returns (bytes32) {
        return _inDomain(keccak256(abi.encode(CHECKPOINT, attested)));
    }

    /// @notice What one seat signs of what its committee attests: a key that somebody else bonded as well says nothing for
    /// him. The domain is that of `digest`.
    /// @param seat The validator's place in the committee.
    function ofSeat(bytes32 digest, uint32 validator, uint256 seat) internal pure returns (bytes32) {
        return keccak256(abi.encode(ATTESTATION, digest, validator, seat));
    }

    /// @notice What a validator signs to publish a model that follows from these checkpoints, and from no others that a
    /// reorganization may bring. Domain: the beacon.
    function publication(
        uint64 round,
        uint32 validator,
        bytes32 modelRoot,
        bytes32 contentDigest,
        bytes32 scoresDigest,
        bytes32 checkpointsHash
    ) internal view returns (bytes32) {
        return
            _inDomain(
                keccak256(
                    abi.encode(PUBLICATION, round, validator, modelRoot, contentDigest, scoresDigest, checkpointsHash)
                )
            );
    }

    /// @notice What a participant signs to leave. Domain: the staking contract.
    function exit(uint32 participant, uint32 nonce) internal view returns (bytes32) {
        return _inDomain(keccak256(abi.encode(EXIT, participant, nonce)));
    }

    /// @notice What a participant signs to replace its key. Domain: the staking contract.
    function rotation(uint32 participant, LmsKey calldata key, uint32 nonce) internal view returns (bytes32) {
        return _inDomain(keccak256(abi.encode(ROTATION, participant, key.identifier, key.root, key.height, nonce)));
    }

    /// @notice What a validator signs to name its encryption key. Domain: the staking contract.
    function encryptionKey(uint32 participant, bytes32 keyDigest, uint32 nonce) internal view returns (bytes32) {
        return _inDomain(keccak256(abi.encode(ENCRYPTION_KEY, participant, keyDigest, nonce)));
    }

    /// @notice What a validator signs to name the chains of its vote keys, by turn. Domain: the vote quorum.
    function voteChains(
        uint32 participant,
        bytes28[2] calldata ends,
        uint32 firstRound,
        uint32 nonce
    ) internal view returns (bytes32) {
        return _inDomain(keccak256(abi.encode(VOTE_CHAINS, participant, ends[0], ends[1], firstRound, nonce)));
    }

    /// @notice What a participant signs to name another hash chain. Domain: the staking contract.
    function anchor(uint32 participant, bytes28 end, uint32 firstRound, uint32 nonce) internal view returns (bytes32) {
        return _inDomain(keccak256(abi.encode(ANCHOR, participant, end, firstRound, nonce)));
    }

    /// @notice What a participant signs to replace its withdrawal address. Domain: the staking contract.
    function withdrawal(uint32 participant, address receiver, uint32 nonce) internal view returns (bytes32) {
        return _inDomain(keccak256(abi.encode(WITHDRAWAL, participant, receiver, nonce)));
    }

    /// @notice What a committee says to hand a mirror over to the next round. Domain: the mirror.
    function mirrorMessage(MirrorMessage calldata message) internal view returns (bytes32) {
        return _inDomain(_hashOf(message));
    }

    /// @notice The same in the domain of a mirror elsewhere.
    function mirrorMessage(MirrorMessage calldata message, bytes32 domain) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domain, _hashOf(message)));
    }

    /// @notice The domain of a contract on some chain.
    function domainOf(uint256 chainId, address verifyingContract) internal pure returns (bytes32) {
        return keccak256(abi.encode(DOMAIN, NAME, VERSION, chainId, verifyingContract));
    }

    function _hashOf(MirrorMessage calldata message) private pure returns (bytes32) {
        bytes32[] memory seats = new bytes32[](message.committee.length);
        for (uint256 i = 0; i < seats.length; ++i) {
            MirrorSeat calldata seat = message.committee[i];
            seats[i] = keccak256(abi.encode(MIRROR_SEAT, seat.validator, keccak256(abi.encode(LMS_KEY, seat.key))));
        }
        bytes32 round = keccak256(abi.encode(MIRRORED_ROUND, message.round));
        bytes32 revoked = keccak256(abi.encodePacked(message.revoked));
        bytes32 committee = keccak256(abi.encodePacked(seats));
        return keccak256(abi.encode(MIRROR_MESSAGE, round, revoked, committee));
    }

    function _inDomain(bytes32 structHash) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainOf(block.chainid, address(this)), structHash));
    }
}
