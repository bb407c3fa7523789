"""Errors of the registry; engine.errors describes the hierarchy."""

from engine.errors import Unavailable


class RegistryUnavailable(Unavailable):
    """MLflow does not answer, or answers with an error."""

    reason = "REGISTRY_UNAVAILABLE"
