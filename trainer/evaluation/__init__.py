"""How good a version is, and whether it may become champion. Runs without TensorFlow."""
