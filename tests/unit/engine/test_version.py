"""Tests of version directories."""

from pathlib import Path

import pytest
from verger.v1 import model_pb2

from engine.contract import file_digest
from engine.errors import ContractUnsupported, ModelCorrupt, VersionUnknown
from engine.version import open_version
from tests.support.tiny_model import tiny_version

SERVING, TRAINING = model_pb2.ModelFile.ROLE_SERVING, model_pb2.ModelFile.ROLE_TRAINING


def test_a_directory_is_opened_by_its_contract(tmp_path: Path) -> None:
    version = open_version(tiny_version(tmp_path))
    assert [info.label for info in version.contract.classes] == ["red", "green", "blue"]
    assert version.file(SERVING) == tmp_path / "model.onnx"
    assert version.digest == file_digest(tmp_path / "contract.json")
    with pytest.raises(ModelCorrupt, match="has no ROLE_TRAINING file"):
        version.file(TRAINING)


def test_a_file_may_be_missing_but_not_changed(tmp_path: Path) -> None:
    tiny_version(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"something else")
    with pytest.raises(ModelCorrupt, match="differs from its digest"):
        open_version(tmp_path)
    (tmp_path / "model.onnx").unlink()
    open_version(tmp_path)


def test_a_directory_without_a_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VersionUnknown, match=r"has no contract\.json"):
        open_version(tmp_path)
    (tmp_path / "contract.json").write_text("{}")
    with pytest.raises(ContractUnsupported):
        open_version(tmp_path)


def test_a_version_says_whether_it_was_tested_on_negatives(tmp_path: Path) -> None:
    version = open_version(tiny_version(tmp_path))
    assert not version.was_tested_on_negatives
    version.contract.provenance.test_metrics["auroc.animal"] = 0.9
    assert version.was_tested_on_negatives


def test_a_version_names_the_parts_from_elsewhere_that_it_was_tested_on(tmp_path: Path) -> None:
    version = open_version(tiny_version(tmp_path))
    assert version.parts_elsewhere == []
    version.contract.provenance.test_metrics.update({"accuracy": 0.9, "accuracy.field/shelf": 0.8})
    assert version.parts_elsewhere == ["field/shelf"]
