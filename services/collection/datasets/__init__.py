"""Dataset versions: what is labelled, frozen for training, and data sets that are imported."""
