"""Models as the protocol describes them: named tensors, and versions that may be asked for."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from verger.oip import open_inference_pb2
from verger.v1 import model_pb2

from services.common.oip.errors import ModelUnknown, VersionNotLive

SERVER_NAME = "verger"

CHAMPION = "champion"
"""Alias of the live version in the registry."""

MAX_BATCH = 32
"""Most photos or tensors of one request."""

UINT8, FP32, BYTES = "UINT8", "FP32", "BYTES"


class TensorSpec(NamedTuple):
    """A tensor that a model takes or returns."""

    name: str
    datatype: str
    """UINT8, FP32 or BYTES."""

    shape: Sequence[int]
    """Size of each dimension. The first is -1, the batch."""


@dataclass(frozen=True)
class ServedModel:
    """The live version of a model. All models of Verger have a single input."""

    name: str
    version: str
    """In the registry."""

    platform: str
    input: TensorSpec
    outputs: Sequence[TensorSpec]

    @property
    def versions(self) -> Sequence[str]:
        """What requests may name as version."""
        return (self.version, CHAMPION)

    def check(self, name: str, version: str) -> None:
        """Checks that a request means this version; an empty `version` does.

        Raises:
            ModelUnknown, VersionNotLive: it means another one.
        """
        if name != self.name:
            raise ModelUnknown(f"There is no model “{_short(name)}” here. This server runs “{self.name}”.")
        if version and version not in self.versions:
            raise VersionNotLive(
                f"Version “{_short(version)}” of {name} is not live. Ask for {self.version}, for “{CHAMPION}”, or name "
                "none. The version that has this alias in the registry is the one that answers."
            )

    def check_answered(self, version: str, answered_by: Sequence[model_pb2.ModelRef]) -> None:
        """Checks that the version that was asked for has answered: another one may have gone live meanwhile.

        Raises:
            VersionNotLive: it has not.
        """
        other = next((ref for ref in answered_by if version not in ("", CHAMPION, ref.version)), None)
        if other:
            raise VersionNotLive(f"Version {version} of {self.name} is not live any more. {other.version} is.")

    def metadata(self) -> open_inference_pb2.ModelMetadataResponse:
        """Returns the description of the model."""
        return open_inference_pb2.ModelMetadataResponse(
            name=self.name,
            versions=self.versions,
            platform=self.platform,
            inputs=[_described(self.input)],
            outputs=[_described(spec) for spec in self.outputs],
        )


async def asked_for(
    name: str, version: str, known: Callable[[], Awaitable[ServedModel]], live: Callable[[], Awaitable[ServedModel]]
) -> ServedModel:
    """Returns the model that a request means.

    Args:
        name, version: what the request says.
        known: returns what was live a while ago, at no cost.
        live: asks what is live now. It is called only if the request means something else than was known.

    Raises:
        ModelUnknown, VersionNotLive: it is not live.
        VergerError: as `known` and `live`.
    """
    model = await known()
    try:
        model.check(name, version)
    except (ModelUnknown, VersionNotLive):
        model = await live()
        model.check(name, version)
    return model


def _described(spec: TensorSpec) -> open_inference_pb2.ModelMetadataResponse.TensorMetadata:
    return open_inference_pb2.ModelMetadataResponse.TensorMetadata(
        name=spec.name, datatype=spec.datatype, shape=spec.shape
    )


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"
