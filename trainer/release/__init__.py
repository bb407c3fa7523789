"""Versions as files: naming one, importing the release, writing a release. Imports no training library."""
