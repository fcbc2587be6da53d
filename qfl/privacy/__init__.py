"""Content that only a committee can read: ML-KEM-768 keys, and objects sealed to several of them."""
