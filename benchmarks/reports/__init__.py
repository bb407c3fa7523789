"""Pages, tables and charts made from results."""
