"""The exceptions of the client.

::

    VergerError             the call failed
    ├── PhotoError          this photo can't be classified: it is no picture, damaged, or too large
    ├── RequestError        the call is at fault and not the photo: a parameter, or an address that is not Verger's
    ├── AccessError         a key is missing, unknown, expired or revoked, or it lacks a scope
    ├── TemporaryError      may succeed later; the client has tried again until its timeout
    │   ├── Busy            the server has no place for another photo at the moment
    │   ├── Unavailable     there is no connection, or no model at the moment
    │   └── Timeout         there was no answer in time
    └── ServerError         a fault of the server, whose log has the details
"""


class VergerError(Exception):
    """A call that failed. Its text is a sentence that says what to do."""

    reason: str
    """Machine-readable and stable, such as IMAGE_CORRUPT; docs/api.md lists all. Empty where no server gave one."""

    retry_after: float
    """Seconds after which the server wants the call to be repeated; 0 where it said nothing."""

    def __init__(self, message: str, reason: str = "", retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.reason, self.retry_after = reason, retry_after


class PhotoError(VergerError):
    """This photo can't be classified: it is no picture, damaged, or too large. Others are not concerned."""


class RequestError(VergerError):
    """The call is at fault and not the photo: a parameter, or an address that is not Verger's."""


class AccessError(VergerError):
    """A key is missing, unknown, expired or revoked, or it lacks a scope."""


class TemporaryError(VergerError):
    """May succeed later. The client has tried again until its timeout."""


class Busy(TemporaryError):
    """The server has no place for another photo at the moment."""


class Unavailable(TemporaryError):
    """There is no connection, or the server has no model at the moment."""


class Timeout(TemporaryError):
    """There was no answer in time."""


class ServerError(VergerError):
    """A fault of the server, whose log has the details."""
