"""Makes pages, tables and charts from the results."""
