"""Labelled data: loading it, and dealing it out to clients."""
