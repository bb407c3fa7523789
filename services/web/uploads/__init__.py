"""Reading photos from request bodies within limits."""
