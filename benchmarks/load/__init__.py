"""Load generators, the photos that they send, and what is measured meanwhile."""
