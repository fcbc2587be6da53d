"""Ansätze, one a file: see `qfl.quantum.registry.Ansatz`."""
