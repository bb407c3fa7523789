"""Helpers for tests of bulk classification."""
