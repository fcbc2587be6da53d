"""Zero-knowledge proofs that a committed update is in range and within the norm bound (Groth16 over BN254)."""
