"""Bytes and digests: everything two parties must agree on to the bit."""
