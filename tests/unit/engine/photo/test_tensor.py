import numpy as np
import pytest
from PIL import Image
from verger.v1 import model_pb2

from engine.model.golden import golden_pixels
from engine.model.tensors import scale_pixels, to_model_input
from engine.photo.tensor import to_tensor

PIXELS = golden_pixels(1, 20, 30)


@pytest.mark.parametrize(
    ("dtype", "bytes_each"),
    [(model_pb2.DATA_TYPE_UINT8, 1), (model_pb2.DATA_TYPE_FLOAT32, 4)],
    ids=["uint8", "float32"],
)
def test_a_tensor_arrives_as_the_trainers_model_input(dtype: model_pb2.DataType, bytes_each: int) -> None:
    spec = model_pb2.Preprocessing(width=30, height=20, dtype=dtype, scale=1 / 127.5, offset=-1)
    tensor = to_tensor(Image.fromarray(PIXELS), spec)
    assert list(tensor.shape) == [20, 30, 3]
    assert len(tensor.data) == PIXELS.size * bytes_each
    assert np.allclose(to_model_input(tensor, spec), scale_pixels(PIXELS, spec), rtol=0, atol=1e-6)
