"""The Open Inference Protocol, version 2: what its models are, and what web, preprocess and inference do alike."""
