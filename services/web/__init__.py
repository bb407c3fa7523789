"""The web service: the page and the REST API. It takes photos over HTTP and asks the preprocess service about them."""
