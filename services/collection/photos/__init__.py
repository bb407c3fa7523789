"""What is kept of a photo: an upright JPEG without metadata, and where its bytes are."""
