"""What a run leaves: a folder of results, and photos sorted by class."""
