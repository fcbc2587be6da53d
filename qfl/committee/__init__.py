"""What a committee does with a shard's updates: check each, aggregate the good ones, attest the result."""
