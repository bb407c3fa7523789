"""How photos become the input of the models that this trainer makes. Light: imports no training library."""

from verger.v1 import model_pb2

from engine.contract import PREPROCESSING_CODE_VERSION


def mobilenet_preprocessing(size: int = 224) -> model_pb2.Preprocessing:
    """MobileNetV2's input: size x size RGB pixels, from -1 to 1. Pixels travel as bytes, a quarter of float32."""
    return model_pb2.Preprocessing(
        width=size,
        height=size,
        resampling=model_pb2.RESAMPLING_BILINEAR,
        draft_factor=2,
        color_space=model_pb2.COLOR_SPACE_RGB,
        dtype=model_pb2.DATA_TYPE_UINT8,
        scale=1 / 127.5,
        offset=-1,
        code_version=PREPROCESSING_CODE_VERSION,
    )
