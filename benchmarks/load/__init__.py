"""Load generators, their photos, and what is measured while they run."""
