"""What a round costs: decisions, shards, storage, modes and faults, each beside its alternative."""
