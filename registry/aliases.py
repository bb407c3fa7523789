"""Aliases of model versions."""

CHAMPION = "champion"
"""The live version."""
PREVIOUS = "previous"
"""The champion before; a rollback swaps the two."""
CHALLENGER = "challenger"
"""The newest version that did not pass the gate."""
