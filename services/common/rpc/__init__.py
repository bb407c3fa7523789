"""What every service does alike over gRPC: servers, channels, statuses, streams, request ids."""
