"""The Open Inference Protocol over HTTP, with its extension for tensors in binary."""
