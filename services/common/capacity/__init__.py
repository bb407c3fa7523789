"""Shares threads, places and memory between the photos of all clients."""
