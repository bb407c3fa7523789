"""Kills, stops and starves each process of a system under load, and fills its disk: python -m tests.nightly.chaos."""
