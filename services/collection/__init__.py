"""The collection service: keeps photos that people gave back, with what is known and decided about them."""
