"""Random views of pictures, from which the network learns. Runs without TensorFlow."""
