"""A whole run: from a data set, or a version, to a registered and judged version. Needs TensorFlow."""
