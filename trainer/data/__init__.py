"""Pictures: finding them in folders, reading them, and varying them for training. Imports no training library."""
