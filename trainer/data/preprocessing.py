"""Preprocessing of the models that this trainer makes."""

from verger.v1 import model_pb2

from engine.contract import PREPROCESSING_CODE_VERSION


def mobilenet_preprocessing(size: int = 224) -> model_pb2.Preprocessing:
    """Returns MobileNetV2's preprocessing: size x size RGB pixels, scaled to -1 to 1.

    Pixels are sent as uint8, which takes a quarter of the bytes of float32.
    """
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


def with_size(spec: model_pb2.Preprocessing, size: int) -> model_pb2.Preprocessing:
    """Returns the same preprocessing for size x size pixels."""
    resized = model_pb2.Preprocessing()
    resized.CopyFrom(spec)
    resized.width = resized.height = size
    return resized
