"""The doors of the web service: the page, the REST API, and what those who run it need."""
