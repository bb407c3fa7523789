"""When a call is repeated. This is the only place that decides it."""

import random
from time import monotonic

from verger_client.errors import TemporaryError

FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 5.0


class Attempts:
    """The time of one call with all its repetitions."""

    def __init__(self, timeout: float) -> None:
        """timeout: seconds for all attempts and the pauses between them; greater than 0."""
        self._end = monotonic() + timeout
        self._pause = FIRST_PAUSE_SECONDS

    @property
    def left(self) -> float:
        """Seconds that are left, at least a millisecond."""
        return max(self._end - monotonic(), 0.001)

    def pause_after(self, error: TemporaryError) -> float:
        """Returns the seconds to wait before the next attempt. Raises the error where no time is left for one.

        The pause doubles each time and varies by half, so that many clients don't come back at once. The server's own
        hint counts where it is longer.
        """
        pause = max(error.retry_after, self._pause * random.uniform(0.5, 1.0))
        self._pause = min(2 * self._pause, MAX_PAUSE_SECONDS)
        if monotonic() + pause >= self._end:
            raise error
        return pause
