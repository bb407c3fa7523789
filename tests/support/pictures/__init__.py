"""Pictures that tests make or choose."""
