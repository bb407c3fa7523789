"""The first half: from the bytes of a photo to a tensor. It needs Pillow, and no array library."""
