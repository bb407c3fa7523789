"""Bulk classification: many kills, and Ray."""
