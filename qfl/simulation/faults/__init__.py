"""What the world does to a federation: participants that come, go and straggle, links that take their time."""
