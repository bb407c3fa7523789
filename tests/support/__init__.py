"""What several tests need: photos made by code, tiny models, servers of their own."""
