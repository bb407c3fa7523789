"""Reads, writes and checks model contracts (verger.v1.ModelContract)."""

import hashlib
import math
from pathlib import Path, PurePosixPath

from google.protobuf import json_format
from google.protobuf.message import Message
from verger.v1 import model_pb2

from engine.errors import ContractUnsupported, ModelCorrupt

CONTRACT_FILE = "contract.json"
"""Name of the contract in the directory of a model version."""

CONTRACT_VERSION = 1
"""The only value of ModelContract.contract_version that this code supports."""

PREPROCESSING_CODE_VERSION = 1
"""Increment it whenever engine/photo/decoding.py gives other pixels for a photo that was decoded rightly before. A test
checks this. A repair is not counted, where a photo was refused or had other pixels than its file: no version should
have learnt from those, and each registered version would be refused for them."""


def to_json(message: Message) -> str:
    """Returns the canonical JSON form of a message: equal messages give equal text. Keys are the proto field names."""
    return json_format.MessageToJson(message, preserving_proto_field_name=True, sort_keys=True, indent=2) + "\n"


def digest_of(message: Message) -> str:
    """Returns the SHA-256 of a message's canonical JSON form, in lower-case hexadecimal."""
    return hashlib.sha256(to_json(message).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Returns the SHA-256 of a file, in lower-case hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_contract(contract: model_pb2.ModelContract, directory: Path) -> Path:
    """Writes contract.json into the directory of a model version and returns its path."""
    path = directory / CONTRACT_FILE
    path.write_text(to_json(contract), encoding="utf-8")
    return path


def read_contract(path: Path) -> model_pb2.ModelContract:
    """Reads a contract and checks it.

    Raises:
        ModelCorrupt: the file is not the JSON form of a contract.
        ContractUnsupported: it has a field or value that this code does not know, or see check_contract.
    """
    try:
        text = path.read_text(encoding="utf-8")
        contract = json_format.Parse(text, model_pb2.ModelContract(), ignore_unknown_fields=True)
    except (json_format.ParseError, UnicodeDecodeError) as error:
        raise ModelCorrupt(f"{path.name} can't be read as a model contract: {error}") from error
    check_contract(contract)
    try:
        json_format.Parse(text, model_pb2.ModelContract())
    except json_format.ParseError as error:
        raise ContractUnsupported(f"This version of Verger doesn't know all of the contract: {error}") from error
    return contract


def check_contract(contract: model_pb2.ModelContract) -> None:
    """Checks that this code supports everything that a contract asks for.

    Raises:
        ContractUnsupported: the message lists all problems.
    """
    problems = [
        *([] if contract.contract_version == CONTRACT_VERSION else [f"contract_version {contract.contract_version}"]),
        *_class_problems(contract),
        *_preprocessing_problems(contract.preprocessing),
        *_calibration_problems(contract.calibration),
        *_evidence_problems(contract),
        *_file_problems(contract),
    ]
    if problems:
        raise ContractUnsupported(f"Verger does not support the model's contract: {'; '.join(problems)}.")


def serving_file(contract: model_pb2.ModelContract) -> model_pb2.ModelFile:
    """Returns the ONNX file of a checked contract, which has exactly one."""
    return next(file for file in contract.files if file.role == model_pb2.ModelFile.ROLE_SERVING)


def display_name(info: model_pb2.ClassInfo, language: str) -> str:
    """Returns the name of a class for people: in the language (BCP 47), else in English, else the label."""
    return info.display_names.get(language) or info.display_names.get("en") or info.label


def _class_problems(contract: model_pb2.ModelContract) -> list[str]:
    labels = [info.label for info in contract.classes]
    problems = [] if len(labels) >= 2 else ["fewer than two classes"]
    if len(set(labels)) != len(labels) or "" in labels:
        problems.append("class labels that are empty or not unique")
    for sample in contract.golden_samples:
        if len(sample.logits) != len(labels) or not sample.tolerance > 0:
            problems.append(f"golden sample {sample.seed} does not match the classes or has no tolerance")
    return problems if contract.golden_samples else [*problems, "no golden samples"]


def _preprocessing_problems(spec: model_pb2.Preprocessing) -> list[str]:
    checks = {
        "width": 32 <= spec.width <= 1024,
        "height": 32 <= spec.height <= 1024,
        "resampling": spec.resampling in model_pb2.Resampling.values()[1:],
        "draft_factor": spec.draft_factor <= 8,
        "color_space": spec.color_space == model_pb2.COLOR_SPACE_RGB,
        "dtype": spec.dtype in model_pb2.DataType.values()[1:],
        "scale": math.isfinite(spec.scale) and spec.scale != 0,
        "offset": math.isfinite(spec.offset),
        "code_version": spec.code_version == PREPROCESSING_CODE_VERSION,
    }
    return [f"preprocessing.{name} {getattr(spec, name)}" for name, supported in checks.items() if not supported]


def _calibration_problems(calibration: model_pb2.Calibration) -> list[str]:
    checks = {
        "temperature": calibration.temperature > 0 and math.isfinite(calibration.temperature),
        "unsure_below": 0 <= calibration.unsure_below <= 1,
        "scope_score": calibration.scope_score in model_pb2.ScopeScore.values()[1:],
        "out_of_scope_below": math.isfinite(calibration.out_of_scope_below),
    }
    return [f"calibration.{name} {getattr(calibration, name)}" for name, supported in checks.items() if not supported]


def _evidence_problems(contract: model_pb2.ModelContract) -> list[str]:
    grid = contract.evidence
    supported = not contract.HasField("evidence") or (1 <= grid.height <= 256 and 1 <= grid.width <= 256)
    return [] if supported else [f"evidence of {grid.height} x {grid.width} cells"]


def _file_problems(contract: model_pb2.ModelContract) -> list[str]:
    serving = [file for file in contract.files if file.role == model_pb2.ModelFile.ROLE_SERVING]
    problems = [] if len(serving) == 1 else [f"{len(serving)} serving files instead of one"]
    for file in contract.files:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            problems.append(f"file path {file.path!r}")
    return problems
