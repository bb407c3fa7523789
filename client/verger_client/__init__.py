"""Client of Verger: asks a running Verger what photos show.

    from verger_client import Client

    with Client("localhost:50051") as client:
        print(client.classify("banana.jpg").label)

AsyncClient does the same for asyncio. verger_client.errors draws the tree of the exceptions.
"""

from verger_client.aio import AsyncClient
from verger_client.answers import Answer, Description, Evidence, ModelClass, Prediction, Result, Verdict
from verger_client.client import Client
from verger_client.errors import (
    AccessError,
    Busy,
    PhotoError,
    RequestError,
    ServerError,
    TemporaryError,
    Timeout,
    Unavailable,
    VergerError,
)

__all__ = [
    "AccessError",
    "Answer",
    "AsyncClient",
    "Busy",
    "Client",
    "Description",
    "Evidence",
    "ModelClass",
    "PhotoError",
    "Prediction",
    "RequestError",
    "Result",
    "ServerError",
    "TemporaryError",
    "Timeout",
    "Unavailable",
    "Verdict",
    "VergerError",
]
