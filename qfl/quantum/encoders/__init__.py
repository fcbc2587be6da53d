"""Encoders; a file of yours may add more: see `qfl.quantum.registry.Encoder`."""
