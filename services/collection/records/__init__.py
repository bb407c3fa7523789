"""What is known and decided about photos, in a relational database."""
