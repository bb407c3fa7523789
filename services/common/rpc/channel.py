"""Opens channels from one service to the next, with load balancing, retries, limits and TLS."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import grpc

from services.common.process.settings import ServiceSettings
from services.common.process.tls import Fresh
from services.common.rpc.renewed import RenewedChannel
from services.common.rpc.tracing import client_interceptors

_RETRIES: Mapping[str, Any] = {
    "initialBackoff": "0.05s",
    "backoffMultiplier": 3,
    "retryableStatusCodes": ["UNAVAILABLE"],
}

SERVICE_CONFIG: Mapping[str, Any] = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "healthCheckConfig": {"serviceName": ""},
    "methodConfig": [
        {
            "name": [{"service": "verger.v1.ClassifierService"}, {"service": "verger.v1.InferenceService"}],
            "retryPolicy": {**_RETRIES, "maxAttempts": 5, "maxBackoff": "1s"},
        },
        {
            "name": [
                {"service": "verger.v1.ClassifierService", "method": "DescribeClassifier"},
                {"service": "verger.v1.InferenceService", "method": "GetModel"},
            ],
            "retryPolicy": {**_RETRIES, "maxAttempts": 3, "maxBackoff": "0.1s"},
        },
    ],
}
"""gRPC's service config (https://github.com/grpc/grpc/blob/master/doc/service_config.md) of all channels.

round_robin shares calls between all addresses behind a name such as dns:///inference:50052. It leaves out replicas
whose health check says that they are about to stop, see services.common.rpc.server. A call that ends with UNAVAILABLE
was not answered, so the channel sends it again within its deadline, to another replica if there is one. Errors that a
service has described are not retried, see services.common.rpc.statuses.

Pages and readiness checks wait for descriptions. While no version is live, every replica says so, and longer retries
would take most of their deadline of two seconds.
"""


def open_channel(target: str, settings: ServiceSettings) -> grpc.aio.Channel:
    """Opens a channel to all replicas behind `target` (gRPC name syntax). It connects on the first call.

    round_robin takes turns over all calls of a channel. If two kinds of calls alternated on one channel, each kind
    would always reach the same replica. A kind of calls whose load is to be shared evenly therefore has a channel of
    its own.
    """
    limit = settings.max_message_bytes
    options: Sequence[tuple[str, Any]] = [
        ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
        ("grpc.max_receive_message_length", limit),
        ("grpc.max_send_message_length", limit),
        ("grpc.per_rpc_retry_buffer_size", limit),  # a larger request could not be retried
        # Channels with the same target would share connections. gRPC 1.85 sometimes crashes the process when two of
        # them begin to check the health of a new one at once: the second uses what the first has not set up yet.
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    ]
    if settings.tls is None:
        return grpc.aio.insecure_channel(target, options=options, interceptors=client_interceptors())

    def opened() -> grpc.aio.Channel:
        return grpc.aio.secure_channel(
            target,
            grpc.ssl_channel_credentials(**settings.channel_certificates()),
            options=[*options, *settings.channel_options()],
            interceptors=client_interceptors(),
        )

    return RenewedChannel(Fresh([*settings.grpc_pair, settings.authority], opened))
