"""Training itself: examples, stages and the loop over their epochs. Needs TensorFlow."""
