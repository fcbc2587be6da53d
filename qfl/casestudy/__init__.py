"""The paper's comparison in one command: what is compared, measured with the benches' own code, and told candidly."""
