"""What the beacon tells the shards on chains of their own, computed from the beacon alone."""
