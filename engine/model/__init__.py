"""The second half: from a tensor to a classification. It needs NumPy and ONNX Runtime."""
