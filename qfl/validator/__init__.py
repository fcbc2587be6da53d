"""What a validator does: it opens rounds, verifies updates in committees, and publishes models."""
