"""Post-quantum identities: LMS signatures and the file that keeps a key's state."""
