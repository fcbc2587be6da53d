"""How a committee signs a checkpoint: one file for each scheme, behind the interface of `quorum`."""
