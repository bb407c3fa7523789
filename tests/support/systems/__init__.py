"""The whole running system, started by launch.sh or by docker compose, and load on it."""
