"""The systems that are measured, and how each is started."""
