"""For tests of the documents: their recipes, and a stand-in for grpcurl."""
