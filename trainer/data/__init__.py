"""Data sets: finding and reading pictures, and augmenting them for training. Runs without TensorFlow."""
