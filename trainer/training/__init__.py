"""A training run, from a data set to a registered version. Needs TensorFlow."""
