"""A channel that is opened anew when the certificates have changed, because gRPC reads those of a channel once."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Self

import grpc

from services.common.process.tls import Fresh

CHECK_SECONDS = 1.0
"""How often, at most, calls look whether the certificates have changed."""

GRACE_SECONDS = 30.0
"""Time in which calls of the channel before may end."""


class RenewedChannel(grpc.aio.Channel):
    """Passes each call to the newest channel."""

    def __init__(self, channel: Fresh[grpc.aio.Channel]) -> None:
        self._fresh = channel
        self._checked_at = time.monotonic()
        self._closing: set[asyncio.Task[None]] = set()

    def current(self) -> grpc.aio.Channel:
        """Returns the newest channel."""
        now = time.monotonic()
        if now - self._checked_at > CHECK_SECONDS:
            self._checked_at = now
            before = self._fresh.value
            if self._fresh.renew():
                closing = asyncio.get_running_loop().create_task(before.close(GRACE_SECONDS))
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)
        return self._fresh.value

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """Closes the newest channel, and those before at once."""
        for closing in self._closing:
            closing.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self._fresh.value.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Returns the state of the newest channel."""
        return self.current().get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Waits for another state of the newest channel."""
        await self.current().wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Waits until the newest channel is connected."""
        await self.current().channel_ready()

    def unary_unary(self, *arguments: Any, **options: Any) -> Any:
        """As grpc.aio.Channel does, and so the others."""
        return self._callable(lambda channel: channel.unary_unary(*arguments, **options))

    def unary_stream(self, *arguments: Any, **options: Any) -> Any:
        return self._callable(lambda channel: channel.unary_stream(*arguments, **options))

    def stream_unary(self, *arguments: Any, **options: Any) -> Any:
        return self._callable(lambda channel: channel.stream_unary(*arguments, **options))

    def stream_stream(self, *arguments: Any, **options: Any) -> Any:
        return self._callable(lambda channel: channel.stream_stream(*arguments, **options))

    def _callable(self, make: Callable[[grpc.aio.Channel], Any]) -> Callable[..., Any]:
        """Returns what makes calls with the newest channel; make: makes the same of one channel."""
        made_of: grpc.aio.Channel | None = None
        made: Any = None

        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal made_of, made
            if (channel := self.current()) is not made_of:
                made_of, made = channel, make(channel)
            return made(*arguments, **options)

        return call
