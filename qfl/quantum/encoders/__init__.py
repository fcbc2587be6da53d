"""Encoders, one a file: see `qfl.quantum.registry.Encoder`."""
