"""How a committee signs a checkpoint: one file for each scheme."""
