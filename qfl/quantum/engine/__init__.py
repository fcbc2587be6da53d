"""Simulators of a circuit: compiled, stock TorchQuantum, and a device with shots and noise."""
