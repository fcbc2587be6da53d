"""Finds faults in what was accepted or published, and files the smallest proof of each."""
