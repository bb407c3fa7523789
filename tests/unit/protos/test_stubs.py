"""The installed package verger.v1 matches protos/, and protos/ follows the conventions."""

import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import google.rpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_tools import protoc
from verger.v1 import classifier_pb2

from services.web.app import create_app
from services.web.config import WebSettings
from tests.support.repository import ROOT

PROTOS = sorted((ROOT / "protos" / "verger").glob("*/*.proto"))


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> descriptor_pb2.FileDescriptorSet:
    out = tmp_path_factory.mktemp("protos") / "verger.pb"
    includes = [ROOT / "protos", Path(protoc.__file__).parent / "_proto", Path(google.rpc.__path__[0]).parents[1]]
    arguments = [f"-I{path}" for path in includes] + [f"--descriptor_set_out={out}"]
    # protoc crashes in a process that has imported TensorFlow and scikit-learn, so it runs in a new one.
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *arguments, *map(str, PROTOS)], check=True)
    return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())


def all_messages(messages: Iterable[descriptor_pb2.DescriptorProto]) -> Iterator[descriptor_pb2.DescriptorProto]:
    for message in messages:
        yield message
        yield from all_messages(message.nested_type)


def test_the_stubs_are_up_to_date(described: descriptor_pb2.FileDescriptorSet) -> None:
    assert len(described.file) == len(PROTOS)
    for file in described.file:
        module = importlib.import_module(file.name.replace("/", ".").removesuffix(".proto") + "_pb2")
        installed = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(installed)
        for message in all_messages(file.message_type):
            for field in message.field:
                field.ClearField("json_name")  # only protoc sets this derived field
        assert installed == file, f"{file.name} has changed. ./launch.sh and ./test.sh generate the stubs again"


def test_every_element_has_a_comment() -> None:
    elements, missing = 0, []
    for path in PROTOS:
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if re.match(r"\s*(message|enum|service|rpc|oneof)\s|\s*[\w.<>, ]+ \w+ = \d+;", line):
                elements += 1
                if not lines[number - 1].lstrip().startswith("//"):
                    missing.append(f"{path.name}:{number + 1}: {line.strip()}")
    assert elements > 80
    assert missing == []


def test_the_first_value_of_an_enum_is_unspecified(described: descriptor_pb2.FileDescriptorSet) -> None:
    for file in described.file:
        for enum in file.enum_type:
            assert enum.value[0].number == 0
            assert enum.value[0].name.endswith("_UNSPECIFIED")


def test_project_stubs_and_api_have_one_version_number() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    stubs = tomllib.loads((ROOT / "protos" / "pyproject.toml").read_text())["project"]["version"]
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "protos/pyproject.toml"
    assert create_app(WebSettings()).openapi()["info"]["version"] == metadata.version("verger-protos") == stubs


def test_the_package_asks_for_the_runtime_that_its_stubs_need() -> None:
    """They refuse an older one when they are imported."""
    folder = Path(classifier_pb2.__file__).parent
    needs = re.search(r"Domain\.PUBLIC,\s+(\d+),\s+(\d+),\s+(\d+)", (folder / "classifier_pb2.py").read_text())
    tools = re.search(r"GRPC_GENERATED_VERSION = '(.*)'", (folder / "classifier_pb2_grpc.py").read_text())
    assert needs
    assert tools
    asked = {f"protobuf>={'.'.join(needs.groups())}", f"grpcio>={tools[1]}"}
    assert asked <= set(tomllib.loads((ROOT / "protos" / "pyproject.toml").read_text())["project"]["dependencies"])
