"""The first half of classifying a photo: from its bytes to a tensor. Needs Pillow, and no array library."""
