"""A peer of the engine: `python engine_peer.py NAME QUBITS LAYERS BATCH` steps once for each line on stdin.

Runs in the peer's own environment, so it imports nothing of qfl; what it prints is the seconds of the step.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def tensorcircuit_step(qubits: int, layers: int, batch: int) -> Callable[[], Any]:
    """TensorCircuit-NG on JAX: value and gradient, vectorised over samples, jitted."""
    import jax
    import numpy as np
    import tensorcircuit as tc

    backend = tc.set_backend("jax")

    def loss(angles: Any, state: Any) -> Any:
        circuit = tc.Circuit(qubits, inputs=state)
        for layer in range(layers):
            for qubit in range(qubits):
                circuit.rz(qubit, theta=angles[layer, qubit, 0])
                circuit.ry(qubit, theta=angles[layer, qubit, 1])
                circuit.rz(qubit, theta=angles[layer, qubit, 2])
            for qubit in range(qubits):
                circuit.cnot(qubit, (qubit + 1) % qubits)
        return sum(backend.real(circuit.expectation_ps(z=[qubit])) for qubit in range(qubits))

    step = jax.jit(jax.value_and_grad(lambda angles, states: jax.vmap(loss, (None, 0))(angles, states).sum()))
    rng = np.random.default_rng(1)
    states = rng.random((batch, 2**qubits)).astype(np.float32)
    states = (states / np.linalg.norm(states, axis=1, keepdims=True)).astype(np.complex64)
    angles = rng.random((layers, qubits, 3)).astype(np.float32)
    return lambda: jax.block_until_ready(step(angles, states))


def pennylane_step(qubits: int, layers: int, batch: int) -> Callable[[], Any]:
    """PennyLane's default.qubit, differentiated by backpropagation through autograd."""
    import pennylane as qml
    from pennylane import numpy as np

    def measure(angles: Any, states: Any) -> Any:
        qml.StatePrep(states, wires=range(qubits), normalize=True)
        for layer in range(layers):
            for qubit in range(qubits):
                qml.Rot(*angles[layer, qubit], wires=qubit)
            for qubit in range(qubits):
                qml.CNOT(wires=[qubit, (qubit + 1) % qubits])
        return [qml.expval(qml.PauliZ(qubit)) for qubit in range(qubits)]

    circuit = qml.QNode(
        measure, qml.device("default.qubit", wires=qubits), interface="autograd", diff_method="backprop"
    )
    states = np.random.default_rng(1).random((batch, 2**qubits))
    states = np.array(states, requires_grad=False)
    angles = np.array(np.random.default_rng(2).random((layers, qubits, 3)), requires_grad=True)
    gradient = qml.grad(lambda angles: np.sum(np.stack(circuit(angles, states))))
    return lambda: gradient(angles)


def main() -> None:
    """Step once for each line."""
    name, *sizes = sys.argv[1:]
    makers = {"tensorcircuit": tensorcircuit_step, "pennylane": pennylane_step}
    step = makers[name](*map(int, sizes))
    for _ in sys.stdin:
        started = time.perf_counter()
        step()
        print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    main()
