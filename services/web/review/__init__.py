"""The page /review: people look at kept photos, search them, and decide what each counts as in training."""
