"""Rebuilding what happened from chain and content store alone, trusting neither."""
