"""The page and the REST API: photos in over HTTP, verdicts out."""
