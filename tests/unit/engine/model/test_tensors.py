import numpy as np
import pytest
from verger.v1 import inference_pb2, model_pb2

from engine.errors import TensorInvalid
from engine.model.tensors import scale_pixels, to_model_input
from tests.support.tensors import pixels_tensor

SPEC = model_pb2.Preprocessing(width=5, height=4, dtype=model_pb2.DATA_TYPE_UINT8, scale=1 / 127.5, offset=-1)
PIXELS = np.arange(60, dtype=np.uint8).reshape(4, 5, 3) * 4


def test_scaled_pixels_span_minus_one_to_one() -> None:
    scaled = scale_pixels(np.asarray([0, 255], np.uint8), SPEC)
    assert scaled.dtype == np.float32
    assert scaled.tolist() == pytest.approx([-1, 1], abs=1e-6)


def test_pixels_and_scaled_pixels_arrive_as_the_same_model_input() -> None:
    """Inference takes both, whichever the contract names for the wire."""
    expected = scale_pixels(PIXELS, SPEC)
    scaled = inference_pb2.Tensor(dtype=model_pb2.DATA_TYPE_FLOAT32, shape=[4, 5, 3], data=expected.tobytes())
    assert np.array_equal(to_model_input(pixels_tensor(PIXELS), SPEC), expected)
    assert np.array_equal(to_model_input(scaled, SPEC), expected)


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        (inference_pb2.Tensor(dtype=1, shape=[5, 4, 3], data=bytes(60)), "TENSOR_SHAPE_MISMATCH"),
        (inference_pb2.Tensor(dtype=1, shape=[1, 4, 5, 3], data=bytes(60)), "TENSOR_SHAPE_MISMATCH"),
        (inference_pb2.Tensor(dtype=1, shape=[], data=bytes(60)), "TENSOR_SHAPE_MISMATCH"),
        (inference_pb2.Tensor(shape=[4, 5, 3], data=bytes(60)), "TENSOR_DTYPE_UNSUPPORTED"),
        (inference_pb2.Tensor(dtype=9, shape=[4, 5, 3], data=bytes(60)), "TENSOR_DTYPE_UNSUPPORTED"),
        (inference_pb2.Tensor(dtype=1, shape=[4, 5, 3], data=bytes(59)), "TENSOR_SIZE_MISMATCH"),
        (inference_pb2.Tensor(dtype=2, shape=[4, 5, 3], data=bytes(60)), "TENSOR_SIZE_MISMATCH"),
        (
            inference_pb2.Tensor(dtype=2, shape=[4, 5, 3], data=np.full(60, np.nan, "<f4").tobytes()),
            "TENSOR_NOT_FINITE",
        ),
    ],
)
def test_bad_tensors_are_refused_with_their_reason(tensor: inference_pb2.Tensor, reason: str) -> None:
    with pytest.raises(TensorInvalid) as refusal:
        to_model_input(tensor, SPEC)
    assert refusal.value.reason == reason
    assert refusal.value.code == "INVALID_ARGUMENT"
