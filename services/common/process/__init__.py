"""What every service does alike as a process: settings, logs, traces, metrics, memory, threads, health checks."""
