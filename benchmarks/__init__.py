"""Verger beside what else a user could pick: one run, one machine, the same photos and the same load generators."""
