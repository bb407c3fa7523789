"""Build hook of verger-protos and verger-client: generates the stubs of verger/ into the wheel."""

import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import google.rpc
from grpc_tools import protoc
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class GenerateStubs(BuildHookInterface[Any]):
    """Generates *_pb2.py, *_pb2.pyi and *_pb2_grpc.py. The source tree stays as it is, so no stub can become stale."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        source, self.out = Path(__file__).parent, tempfile.TemporaryDirectory()
        out = Path(self.out.name)
        google_protos = Path(google.rpc.__path__[0]).parents[1]
        includes = [f"-I{path}" for path in (source, files("grpc_tools") / "_proto", google_protos)]
        outputs = [f"--{kind}_out={out}" for kind in ("python", "pyi", "grpc_python")]
        protos = sorted(str(path) for path in source.glob("verger/*/*.proto"))
        if protoc.main(["protoc", *includes, *outputs, *protos]) != 0:
            raise SystemExit("protoc can't compile the files in protos/verger; its messages are above")
        for package_file in (
            "verger/__init__.py",
            "verger/oip/__init__.py",
            "verger/v1/__init__.py",
            "verger/py.typed",
        ):
            (out / package_file).touch()
        build_data["force_include"][str(out)] = "/"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        self.out.cleanup()
