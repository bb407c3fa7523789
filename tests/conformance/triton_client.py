"""Asks a running Verger with NVIDIA's tritonclient in all of its ways: HTTP with JSON and in binary, gRPC, asyncio.

It runs in an environment of its own (tritonclient has the same messages under another name, which protobuf refuses):

python triton_client.py HTTP_ADDRESS GRPC_ADDRESS TENSOR_ADDRESS MODEL PHOTO LABEL
"""

import asyncio
import base64
import queue
import sys
from pathlib import Path

import numpy as np
import tritonclient.grpc as over_grpc
import tritonclient.grpc.aio as over_grpc_aio
import tritonclient.http as over_http
import tritonclient.http.aio as over_http_aio
from tritonclient.utils import InferenceServerException

HTTP, GRPC, TENSORS, MODEL, PHOTO, LABEL = sys.argv[1:]
IMAGE = Path(PHOTO).read_bytes()


def image_input(module, photos, **form):
    tensor = module.InferInput("image", [len(photos)], "BYTES")
    tensor.set_data_from_numpy(np.array(photos, dtype=np.object_), **form)
    return tensor


def check(way, result, count=1):
    label, verdict = (result.as_numpy(name).tolist() for name in ("label", "verdict"))
    text = [each.decode() if isinstance(each, bytes) else each for each in label]
    assert text == [LABEL] * count, (way, label)
    assert len(verdict) == count, (way, verdict)
    assert result.as_numpy("probability").dtype == np.float32, way
    assert (result.as_numpy("probability") > 0.5).all(), way
    sys.stdout.write(f"{way}: {text}\n")


def refused(way, call):
    try:
        call()
    except InferenceServerException as error:
        sys.stdout.write(f"{way}: {error}\n")
    else:
        raise AssertionError(f"{way} was not refused")


def describe(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    assert client.is_model_ready(MODEL, "champion")
    assert not client.is_model_ready(MODEL, "987654321")


def ask_over_http():
    with over_http.InferenceServerClient(HTTP) as client:
        describe(client)
        assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
        assert client.get_model_metadata(MODEL)["inputs"][0]["name"] == "image"
        text = base64.b64encode(IMAGE)
        wanted = [
            over_http.InferRequestedOutput(name, binary_data=False) for name in ("label", "verdict", "probability")
        ]
        in_json = image_input(over_http, [text], binary_data=False)
        check("HTTP with JSON", client.infer(MODEL, [in_json], outputs=wanted))
        result = client.infer(MODEL, [image_input(over_http, [IMAGE, IMAGE])], request_id="mine")
        assert result.get_response()["id"] == "mine"
        check("HTTP in binary", result, 2)
        refused("HTTP, an unknown version", lambda: client.infer(MODEL, [in_json], model_version="987654321"))
        refused("HTTP, loading", lambda: client.load_model(MODEL))
        refused("HTTP, unloading", lambda: client.unload_model(MODEL))


def ask_over_grpc():
    with over_grpc.InferenceServerClient(GRPC) as client:
        describe(client)
        assert client.get_server_metadata().name == "verger"
        assert client.get_model_metadata(MODEL).inputs[0].datatype == "BYTES"
        result = client.infer(MODEL, [image_input(over_grpc, [IMAGE, IMAGE])], request_id="mine")
        assert result.get_response().id == "mine"
        check("gRPC", result, 2)
        answers = queue.Queue()
        client.async_infer(MODEL, [image_input(over_grpc, [IMAGE])], lambda result, error: answers.put((result, error)))
        result, error = answers.get(timeout=60)
        assert error is None, error
        check("gRPC with a callback", result)
        refused("gRPC, bytes that are no photo", lambda: client.infer(MODEL, [image_input(over_grpc, [b"hello"])]))
        refused("gRPC, loading", lambda: client.load_model(MODEL))
        refused("gRPC, unloading", lambda: client.unload_model(MODEL))


def ask_for_logits():
    with over_grpc.InferenceServerClient(TENSORS) as client:
        metadata = client.get_model_metadata(f"{MODEL}-tensor")
        _, height, width, _ = metadata.inputs[0].shape
        pixels = np.random.default_rng(1).integers(0, 256, (3, height, width, 3), np.uint8)
        tensor = over_grpc.InferInput("pixels", pixels.shape, "UINT8")
        tensor.set_data_from_numpy(pixels)
        logits = client.infer(f"{MODEL}-tensor", [tensor]).as_numpy("logits")
        assert logits.shape == (3, metadata.outputs[0].shape[1])
        assert np.isfinite(logits).all()
        sys.stdout.write(f"gRPC, pixels: logits {logits.shape}\n")


async def ask_with_asyncio():
    async with over_http_aio.InferenceServerClient(HTTP) as client:
        assert await client.is_model_ready(MODEL)
        check("HTTP with asyncio", await client.infer(MODEL, [image_input(over_http_aio, [IMAGE])]))
    async with over_grpc_aio.InferenceServerClient(GRPC) as client:
        assert await client.is_model_ready(MODEL)
        check("gRPC with asyncio", await client.infer(MODEL, [image_input(over_grpc_aio, [IMAGE])]))


ask_over_http()
ask_over_grpc()
ask_for_logits()
asyncio.run(ask_with_asyncio())
