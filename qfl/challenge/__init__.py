"""Finding faults in what was accepted or published, and the smallest proof of each. No chain, no store."""
