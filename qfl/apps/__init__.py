"""Programs that people use: commands, the explorer, inspection and reports."""
