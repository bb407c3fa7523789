"""Rows of the database of keys, within transactions that the store opens."""
