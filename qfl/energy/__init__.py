"""Joules: measured processor time and counted bytes, times stated constants, each with its source."""
