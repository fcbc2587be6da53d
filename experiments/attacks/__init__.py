"""Attacks on a running deployment, each tried against the real contracts and roles."""
