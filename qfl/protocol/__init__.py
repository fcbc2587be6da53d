"""What two parties must agree on to the bit: types, bytes, digests and integer rules. No input or output."""
