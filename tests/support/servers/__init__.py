"""Servers for tests, their certificates, and a client that speaks raw HTTP."""
