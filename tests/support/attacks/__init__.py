"""Attacks on a running system, as clients from outside make them, and a trial that watches what users notice."""
