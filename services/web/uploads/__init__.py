"""Reads photos from request bodies and enforces the limits."""
