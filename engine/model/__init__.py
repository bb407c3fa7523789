"""The second half of classifying a photo: from a tensor to a classification. Needs NumPy and ONNX Runtime."""
