"""The preprocess service: decodes photos to tensors, sends them to inference, and returns the classifications."""
