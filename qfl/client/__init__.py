"""What a client does between its data and its revealed update."""
