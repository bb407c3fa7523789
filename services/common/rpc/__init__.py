"""What every service does alike over gRPC: servers, channels, errors as statuses, streams."""
