"""Poisoning clients: their updates, and what each defence leaves of them."""
