"""For tests of the trainer: data sets made by code, quick networks, and its command."""
