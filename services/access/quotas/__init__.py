"""Quotas: how many photos, bytes and calls a key or an address may have."""
