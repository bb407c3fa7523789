"""How good a version is, and whether it may go live. Imports no training library."""
