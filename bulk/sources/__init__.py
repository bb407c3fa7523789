"""Which photos a run classifies."""
