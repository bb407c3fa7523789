"""The command line. Commands import what they need when they run, so most of them need no TensorFlow."""
