from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from verger.v1 import model_pb2

from engine.contract import CONTRACT_FILE, file_digest, read_contract, write_contract
from engine.errors import ContractUnsupported, ModelCorrupt
from engine.model.golden import golden_pixels
from engine.model.loading import load_model
from engine.model.tensors import scale_pixels
from tests.support.repository import ROOT
from tests.support.tiny_model import tiny_version

RELEASED = ROOT / "models" / "fruit-classifier"
REF = model_pb2.ModelRef(name="colours", version="3")


def test_a_valid_version_loads(tmp_path: Path) -> None:
    model = load_model(REF, tiny_version(tmp_path))
    assert model.digest == file_digest(tmp_path / CONTRACT_FILE)
    assert model.session.logits(np.ones((1, 32, 32, 3), np.float32))[0].tolist() == pytest.approx([8, 8, 8])
    description = model.describe(None)
    assert description.ref == REF
    assert description.live_since.seconds > 1_700_000_000
    assert not description.HasField("refusal")


def half_blue() -> np.ndarray:
    pixels = np.full((32, 32, 3), -1, np.float32)
    pixels[:, 16:, 2] = 1
    return pixels


def test_evidence_is_returned_on_request(tmp_path: Path) -> None:
    model = load_model(REF, tiny_version(tmp_path))
    assert not model.classify(half_blue(), 0, include_evidence=False).HasField("evidence")
    answer = model.classify(half_blue(), 0, include_evidence=True)
    assert answer.predictions[0].label == "blue"
    assert answer.model == REF
    assert list(answer.evidence.strength) == [0, 0, 255, 255] * 4
    assert (answer.evidence.height, answer.evidence.width) == (4, 4)


@pytest.mark.parametrize("include_evidence", [False, True])
def test_one_core_and_several_cores_give_the_same_answer(include_evidence: bool) -> None:
    model = load_model(REF, RELEASED, cores=2)
    assert model.multicore_session is not model.session
    spec = model.contract.preprocessing
    model_input = scale_pixels(golden_pixels(7, spec.height, spec.width), spec)
    answers = [model.classify(model_input, 0, include_evidence, multicore) for multicore in (True, False)]
    assert answers[0] == answers[1]


def test_with_one_core_the_graph_is_loaded_once(tmp_path: Path) -> None:
    model = load_model(REF, tiny_version(tmp_path), cores=1)
    assert model.multicore_session is model.session


def test_a_model_without_evidence_answers_without_it(tmp_path: Path) -> None:
    def change(contract: model_pb2.ModelContract) -> None:
        contract.ClearField("evidence")

    change_contract(tiny_version(tmp_path), change)
    answer = load_model(REF, tmp_path).classify(half_blue(), 0, include_evidence=True)
    assert answer.predictions[0].label == "blue"
    assert not answer.HasField("evidence")


def test_evidence_of_another_size_than_in_the_contract_is_refused(tmp_path: Path) -> None:
    def change(contract: model_pb2.ModelContract) -> None:
        contract.evidence.width = 7

    change_contract(tiny_version(tmp_path), change)
    with pytest.raises(ModelCorrupt, match="evidence has the shape"):
        load_model(REF, tmp_path)


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


def change_contract(folder: Path, change: Callable[[model_pb2.ModelContract], object]) -> None:
    contract = read_contract(folder / CONTRACT_FILE)
    change(contract)
    write_contract(contract, folder)


def test_a_file_that_is_not_a_graph_is_refused(tmp_path: Path) -> None:
    tiny_version(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"not a graph")

    def change(contract: model_pb2.ModelContract) -> None:
        contract.files[0].sha256 = file_digest(tmp_path / "model.onnx")

    change_contract(tmp_path, change)
    with pytest.raises(ModelCorrupt, match="not an ONNX graph"):
        load_model(REF, tmp_path)


def test_a_graph_that_gives_other_logits_than_expected_is_refused(tmp_path: Path) -> None:
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
    with pytest.raises(ModelCorrupt, match="not the one that the contract describes"):
        load_model(REF, tmp_path)


def test_an_unsupported_contract_is_refused(tmp_path: Path) -> None:
    tiny_version(tmp_path)

    def change(contract: model_pb2.ModelContract) -> None:
        contract.preprocessing.code_version = 99

    change_contract(tmp_path, change)
    with pytest.raises(ContractUnsupported, match="code_version 99"):
        load_model(REF, tmp_path)
