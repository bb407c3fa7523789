"""What each process of a run does: from the name of a photo to its row."""
