"""What a blockchain developer wants to see of a transaction, a round, a participant: plain data, ready for JSON."""
