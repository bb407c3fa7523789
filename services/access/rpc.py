"""Asks gRPC calls for a key."""

from collections.abc import Mapping

from services.access.gate import Gate
from services.access.keys import Scope
from services.common.rpc.interceptor import Admit, Context


def admission(gate: Gate, scopes: Mapping[str, Scope]) -> Admit:
    """Returns what the interceptor of a public server asks before it reads a message.

    Args:
        gate: checks the key in the metadata `authorization`.
        scopes: the scope that each method needs, by its full name, such as /verger.v1.ClassifierService/Classify; all
            others need `admin`.
    """

    async def admit(method: str, context: Context) -> None:
        metadata = context.invocation_metadata() or ()
        authorization = [str(value) for name, value in metadata if name == "authorization"]
        await gate.admit(authorization, scopes.get(method, Scope.ADMIN))

    return admit
