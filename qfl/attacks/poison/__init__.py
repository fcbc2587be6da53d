"""Poisoned updates: what a client can do to the model by the book, all rules of the protocol kept.

Each strategy is a `Poison`; a run of a job without its chain takes it (`qfl.attacks.poison.federation`), and so does a
real client (`qfl.attacks.poison.client`). docs/robustness.md says what each does to a federation, and what stops it.
"""
