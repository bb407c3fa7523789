"""The REST API and its documentation."""
