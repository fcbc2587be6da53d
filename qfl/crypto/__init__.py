"""Keys and secrets: LMS signatures, hash chains, key files, ML-KEM, sealed content."""
