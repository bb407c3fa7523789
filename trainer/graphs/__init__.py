"""ONNX graphs: running them over many pictures and quantising them to int8. Needs ONNX Runtime, not TensorFlow."""
