"""Compares Verger with its alternatives on one machine, with the same photos and the same load generators."""
