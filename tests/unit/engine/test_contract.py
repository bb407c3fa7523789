import json
from collections.abc import Callable
from pathlib import Path

import pytest
from verger.v1 import model_pb2

from engine.contract import (
    CONTRACT_FILE,
    check_contract,
    digest_of,
    display_name,
    read_contract,
    serving_file,
    write_contract,
)
from engine.errors import ContractUnsupported, ModelCorrupt
from tests.support.tiny_model import tiny_version


@pytest.fixture
def contract(tmp_path: Path) -> model_pb2.ModelContract:
    return read_contract(tiny_version(tmp_path) / CONTRACT_FILE)


def test_a_contract_survives_writing_and_reading(contract: model_pb2.ModelContract, tmp_path: Path) -> None:
    assert read_contract(write_contract(contract, tmp_path)) == contract


def test_the_file_has_the_field_names_of_the_proto(contract: model_pb2.ModelContract, tmp_path: Path) -> None:
    stored = json.loads(write_contract(contract, tmp_path).read_text())
    assert stored["preprocessing"]["draft_factor"] == 2
    assert stored["preprocessing"]["dtype"] == "DATA_TYPE_UINT8"
    assert stored["files"][0]["role"] == "ROLE_SERVING"


def test_equal_preprocessing_has_an_equal_digest(contract: model_pb2.ModelContract) -> None:
    other = model_pb2.Preprocessing()
    other.CopyFrom(contract.preprocessing)
    assert digest_of(other) == digest_of(contract.preprocessing)
    other.width += 1
    assert digest_of(other) != digest_of(contract.preprocessing)


def set_path(path: str) -> Callable[[model_pb2.ModelContract], None]:
    def change(contract: model_pb2.ModelContract) -> None:
        contract.files[0].path = path

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda c: setattr(c, "contract_version", 2), "contract_version 2"),
        (lambda c: c.classes.pop(), "golden sample"),
        (lambda c: (c.classes.pop(), c.classes.pop()), "fewer than two classes"),
        (lambda c: setattr(c.classes[0], "label", "green"), "not unique"),
        (lambda c: setattr(c.classes[0], "label", ""), "empty"),
        (lambda c: setattr(c.preprocessing, "width", 8), "preprocessing.width 8"),
        (lambda c: setattr(c.preprocessing, "height", 5000), "preprocessing.height 5000"),
        (lambda c: setattr(c.preprocessing, "resampling", 9), "preprocessing.resampling 9"),
        (lambda c: setattr(c.preprocessing, "draft_factor", 9), "preprocessing.draft_factor 9"),
        (lambda c: setattr(c.preprocessing, "color_space", 0), "preprocessing.color_space 0"),
        (lambda c: setattr(c.preprocessing, "dtype", 7), "preprocessing.dtype 7"),
        (lambda c: setattr(c.preprocessing, "scale", 0), "preprocessing.scale 0"),
        (lambda c: setattr(c.preprocessing, "offset", float("inf")), "preprocessing.offset inf"),
        (lambda c: setattr(c.preprocessing, "code_version", 99), "preprocessing.code_version 99"),
        (lambda c: setattr(c.calibration, "temperature", 0), "calibration.temperature 0"),
        (lambda c: setattr(c.calibration, "unsure_below", 1.5), "calibration.unsure_below 1.5"),
        (lambda c: setattr(c.calibration, "scope_score", 0), "calibration.scope_score 0"),
        (lambda c: setattr(c.calibration, "out_of_scope_below", float("nan")), "calibration.out_of_scope_below nan"),
        (lambda c: c.ClearField("golden_samples"), "no golden samples"),
        (lambda c: setattr(c.golden_samples[0], "tolerance", 0), "no tolerance"),
        (lambda c: setattr(c.evidence, "height", 0), "evidence of 0 x 4 cells"),
        (lambda c: setattr(c.evidence, "width", 257), "evidence of 4 x 257 cells"),
        (lambda c: c.ClearField("files"), "0 serving files"),
        (set_path("/etc/passwd"), "'/etc/passwd'"),
        (set_path("../model.onnx"), "'../model.onnx'"),
    ],
)
def test_an_unsupported_value_is_refused_by_its_name(
    contract: model_pb2.ModelContract, change: Callable[[model_pb2.ModelContract], object], named: str
) -> None:
    change(contract)
    with pytest.raises(ContractUnsupported) as refusal:
        check_contract(contract)
    assert named in str(refusal.value)


def test_the_error_lists_all_problems(contract: model_pb2.ModelContract) -> None:
    contract.preprocessing.width = 8
    contract.calibration.temperature = 0
    with pytest.raises(ContractUnsupported, match=r"preprocessing\.width 8; calibration\.temperature 0"):
        check_contract(contract)


@pytest.mark.parametrize("text", ["", "not json", '{"classes": 3}', "\x80"])
def test_a_file_that_is_not_a_contract_is_corrupt(text: str, tmp_path: Path) -> None:
    (tmp_path / CONTRACT_FILE).write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelCorrupt):
        read_contract(tmp_path / CONTRACT_FILE)


@pytest.mark.parametrize(
    ("known", "newer"), [('"RESAMPLING_BILINEAR"', '"RESAMPLING_OF_TOMORROW"'), ('"classes"', '"later": 1, "classes"')]
)
def test_a_contract_of_newer_code_is_unsupported_and_not_corrupt(
    contract: model_pb2.ModelContract, tmp_path: Path, known: str, newer: str
) -> None:
    path = write_contract(contract, tmp_path)
    text = path.read_text()
    assert known in text
    path.write_text(text.replace(known, newer))
    with pytest.raises(ContractUnsupported):
        read_contract(path)


def test_the_serving_file_is_found_among_others(contract: model_pb2.ModelContract) -> None:
    contract.files.insert(0, model_pb2.ModelFile(role=model_pb2.ModelFile.ROLE_TRAINING, path="model.keras"))
    check_contract(contract)
    assert serving_file(contract).path == "model.onnx"


def test_display_names_fall_back_to_english_and_then_to_the_label() -> None:
    apple = model_pb2.ClassInfo(label="apple", display_names={"en": "Apple", "fr": "Pomme"})
    assert [display_name(apple, language) for language in ("fr", "en", "de")] == ["Pomme", "Apple", "Apple"]
    assert display_name(model_pb2.ClassInfo(label="apple"), "fr") == "apple"
