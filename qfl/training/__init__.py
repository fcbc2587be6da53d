"""What is trained and how: job, recipe, trainer."""
