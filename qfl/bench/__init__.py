"""Measured comparisons: the same job run in different ways, side by side."""
