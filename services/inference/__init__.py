"""Tensors in, classifications out, by whatever version the registry calls champion."""
