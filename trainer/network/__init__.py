"""The Keras network and its ONNX graphs. Needs TensorFlow."""
