"""Commands for people: import, export, and dataset versions. They call a running collection, wherever it is."""
