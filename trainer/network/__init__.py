"""The Keras network and its export to ONNX. Needs TensorFlow."""
