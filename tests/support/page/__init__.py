"""For tests of the page: a browser, and a classifier whose answers the test writes."""
