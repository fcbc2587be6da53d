"""What every role's process keeps: journal, signer, membership, rewards, and what it reads of a round."""
