"""Quantum models and their training: the only package that touches torch and TorchQuantum.

Importing TorchQuantum takes seconds, so nothing that a command line loads at its start imports more than
`architecture` from here; that one needs neither.
"""
