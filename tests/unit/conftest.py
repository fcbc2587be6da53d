"""Lets Hypothesis take its time: what an example costs depends on the machine, and says nothing about the code."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
