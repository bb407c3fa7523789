"""Photos in, tensors on to inference, classifications back."""
