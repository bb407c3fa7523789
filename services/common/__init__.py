"""What all services do alike: the process around a service (process) and gRPC (rpc)."""
