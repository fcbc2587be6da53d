// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PrecompileFailed} from "../interfaces/Errors.sol";
import {INormVerifier} from "../interfaces/INormVerifier.sol";
import {CodeData} from "./CodeData.sol";

/// @title Verifies Groth16 proofs of the norm circuit over BN254, under a key that is fixed at construction.
/// @notice Jens Groth, "On the Size of Pairing-Based Non-interactive Arguments" (2016/260), section 3.2:
/// `e(A, B) = e(alpha, beta) e(IC0 + sum of input_i IC_i, gamma) e(C, delta)`.
/// @dev The precompiles check that points are on their curves and in the group; what they do not check, that every
/// number has one representation, is checked here. A failing precompile is never an answer: 1/64 of the gas is left
/// to revert with, whoever chose the gas.
/// @dev Assumes the key's points are valid; `keyDigest` tells whose they are. If they were not, every proof would revert.
contract Groth16NormVerifier is INormVerifier {
    uint256 private constant SCALAR_FIELD =
        21888242871839275222246405745257275088548364400416034343698204186575808495617;
    uint256 private constant BASE_FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583;
    uint256 private constant ADD = 6;
    uint256 private constant MULTIPLY = 7;
    uint256 private constant PAIRING = 8;

    // Where the key's points begin in the data contract's code: bytes, after its STOP.
    uint256 private constant ALPHA_BETA = 0x001;
    uint256 private constant GAMMA = 0x0c1;
    uint256 private constant DELTA = 0x141;
    uint256 private constant IC = 0x1c1;

    CodeData private immutable key;
    /// @inheritdoc INormVerifier
    bytes32 public immutable keyDigest;
    /// @inheritdoc INormVerifier
    uint256 public immutable capacity;

    /// @param capacity_ Lanes of the circuit that the key belongs to.
    /// @param words alpha (x, y); beta, gamma, delta (x imaginary, x real, y imaginary, y real); IC0 to IC4 (x, y).
    constructor(uint256 capacity_, uint256[24] memory words) {
        capacity = capacity_;
        keyDigest = keccak256(abi.encode(capacity_, words));
        key = new CodeData(abi.encodePacked(words));
    }

    /// @inheritdoc INormVerifier
    function verify(uint256[4] calldata inputs, uint256[8] calldata proof) external view returns (bool) {
        for (uint256 i = 0; i < inputs.length; ++i) {
            if (inputs[i] >= SCALAR_FIELD) revert InputOutOfField(i, inputs[i]);
        }
        for (uint256 i = 0; i < proof.length; ++i) {
            if (proof[i] >= BASE_FIELD) revert CoordinateOutOfField(i, proof[i]);
        }

        address source = address(key);
        uint256[24] memory pairs; // A, B; alpha, beta; the inputs' point, gamma; C, delta
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            calldatacopy(pairs, proof, 0xc0)
            extcodecopy(source, add(pairs, 0x0c0), ALPHA_BETA, 0xc0)
            extcodecopy(source, add(pairs, 0x1c0), GAMMA, 0x80)
            calldatacopy(add(pairs, 0x240), add(proof, 0xc0), 0x40)
            extcodecopy(source, add(pairs, 0x280), DELTA, 0x80)
        }
        pairs[1] = (BASE_FIELD - pairs[1]) % BASE_FIELD; // -A: the product of all four is then one
        (pairs[12], pairs[13]) = _combine(source, inputs);
        return _isOne(pairs);
    }

    /// @dev IC0 + sum of inputs[i] IC(i + 1).
    function _combine(address source, uint256[4] calldata inputs) private view returns (uint256 x, uint256 y) {
        uint256[4] memory sum; // what is summed so far, and the next to add
        uint256[3] memory term; // a point and its factor
        bool isDone;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            extcodecopy(source, sum, IC, 0x40)
        }
        for (uint256 i = 0; i < inputs.length; ++i) {
            // solhint-disable-next-line no-inline-assembly
            assembly ("memory-safe") {
                extcodecopy(source, term, add(IC, mul(0x40, add(i, 1))), 0x40)
                mstore(add(term, 0x40), calldataload(add(inputs, mul(0x20, i))))
                isDone := staticcall(gas(), MULTIPLY, term, 0x60, add(sum, 0x40), 0x40)
            }
            if (!isDone) revert PrecompileFailed(MULTIPLY);
            // solhint-disable-next-line no-inline-assembly
            assembly ("memory-safe") {
                isDone := staticcall(gas(), ADD, sum, 0x80, sum, 0x40)
            }
            if (!isDone) revert PrecompileFailed(ADD);
        }
        return (sum[0], sum[1]);
    }

    /// @dev Whether the product of the four pairings is one.
    function _isOne(uint256[24] memory pairs) private view returns (bool isOne) {
        bool isDone;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            isDone := staticcall(gas(), PAIRING, pairs, 0x300, 0, 0x20)
            isDone := and(isDone, eq(returndatasize(), 0x20)) // a chain without the precompile answers with nothing
            isOne := mload(0)
        }
        if (!isDone) revert PrecompileFailed(PAIRING);
    }
}
