"""Versions as files: opening one by its name, importing and writing the release. Runs without TensorFlow."""
