from pathlib import Path

import numpy as np
import pytest
from verger.v1 import model_pb2

from services.common.contract import CONTRACT_FILE, file_digest, read_contract, write_contract
from services.common.errors import ContractUnsupported, ModelCorrupt
from services.inference.model import load_model
from tests.support.tiny_model import tiny_version

REF = model_pb2.ModelRef(name="colours", version="3")


def test_a_sound_version_loads(tmp_path: Path) -> None:
    model = load_model(REF, tiny_version(tmp_path))
    assert model.digest == file_digest(tmp_path / CONTRACT_FILE)
    assert model.logits(np.ones((32, 32, 3), np.float32)).tolist() == pytest.approx([8, 8, 8])
    description = model.describe(None)
    assert description.ref == REF
    assert description.live_since.seconds > 1_700_000_000
    assert not description.HasField("refusal")


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    tiny_version(tmp_path)
    with (tmp_path / "model.onnx").open("ab") as graph:
        graph.write(b"\0")
    with pytest.raises(ModelCorrupt, match="digest"):
        load_model(REF, tmp_path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    (tiny_version(tmp_path) / "model.onnx").unlink()
    with pytest.raises(ModelCorrupt, match="missing"):
        load_model(REF, tmp_path)


def change_contract(folder: Path, change: object) -> None:
    contract = read_contract(folder / CONTRACT_FILE)
    change(contract)  # type: ignore[operator]
    write_contract(contract, folder)


def test_a_file_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    tiny_version(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"not a graph")

    def change(contract: model_pb2.ModelContract) -> None:
        contract.files[0].sha256 = file_digest(tmp_path / "model.onnx")

    change_contract(tmp_path, change)
    with pytest.raises(ModelCorrupt, match="not an ONNX graph"):
        load_model(REF, tmp_path)


def test_other_logits_than_when_it_was_made_are_refused(tmp_path: Path) -> None:
    tiny_version(tmp_path)

    def change(contract: model_pb2.ModelContract) -> None:
        contract.golden_samples[1].logits[0] += 0.01

    change_contract(tmp_path, change)
    with pytest.raises(ModelCorrupt, match="Golden sample 2"):
        load_model(REF, tmp_path)


def test_a_graph_for_another_input_size_is_refused(tmp_path: Path) -> None:
    tiny_version(tmp_path)

    def change(contract: model_pb2.ModelContract) -> None:
        contract.preprocessing.width = 64

    change_contract(tmp_path, change)
    with pytest.raises(ModelCorrupt, match="shape"):
        load_model(REF, tmp_path)


def test_a_contract_that_can_not_be_honoured_is_refused(tmp_path: Path) -> None:
    tiny_version(tmp_path)

    def change(contract: model_pb2.ModelContract) -> None:
        contract.preprocessing.code_version = 99

    change_contract(tmp_path, change)
    with pytest.raises(ContractUnsupported, match="code_version 99"):
        load_model(REF, tmp_path)
