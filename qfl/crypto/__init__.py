"""Keys and secrets: LMS and BLS signatures, key files, ML-KEM, sealed content."""
