"""Asks a running Verger with KServe's client, over HTTP and gRPC. It runs in an environment of its own:

python kserve_client.py HTTP_ADDRESS GRPC_ADDRESS TENSOR_ADDRESS MODEL PHOTO LABEL
"""

import asyncio
import sys
from pathlib import Path

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import InferenceGRPCClient, RESTConfig

HTTP, GRPC, TENSORS, MODEL, PHOTO, LABEL = sys.argv[1:]
IMAGE = Path(PHOTO).read_bytes()


def request_of(model, name, datatype, elements):
    tensor = InferInput(name, list(elements.shape), datatype)
    tensor.set_data_from_numpy(elements, binary_data=True)
    return InferRequest(model_name=model, infer_inputs=[tensor], request_id="mine")


def check(way, answer):
    assert answer.id == "mine", (way, answer.id)
    label = {output.name: output.as_numpy() for output in answer.outputs}["label"].tolist()
    text = [each.decode() if isinstance(each, bytes) else each for each in label]
    assert text == [LABEL], (way, label)
    sys.stdout.write(f"{way}: {text}\n")


async def main():
    photo = request_of(MODEL, "image", "BYTES", np.array([IMAGE], dtype=object))
    rest, address = InferenceRESTClient(config=RESTConfig(protocol="v2")), f"http://{HTTP}"
    assert await rest.is_server_live(address)
    assert await rest.is_server_ready(address)
    assert await rest.is_model_ready(address, MODEL)
    check("KServe, HTTP", await rest.infer(address, model_name=MODEL, data=photo))
    grpc = InferenceGRPCClient(GRPC)
    assert await grpc.is_server_live()
    assert await grpc.is_server_ready()
    assert await grpc.is_model_ready(MODEL)
    check("KServe, gRPC", await grpc.infer(photo))
    pixels = request_of(f"{MODEL}-tensor", "pixels", "UINT8", np.zeros((2, 224, 224, 3), np.uint8))
    (logits,) = (await InferenceGRPCClient(TENSORS).infer(pixels)).outputs
    assert logits.as_numpy().shape[0] == 2
    sys.stdout.write(f"KServe, pixels: {logits.as_numpy().shape}\n")


asyncio.run(main())
