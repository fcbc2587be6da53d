"""The learning of a job by itself: what chain, keys and store leave unchanged."""
