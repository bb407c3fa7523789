"""What every service does alike as a process: settings, TLS, logs, traces, metrics, memory, signals, health checks."""
