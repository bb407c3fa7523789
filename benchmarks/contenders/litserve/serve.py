"""LitServe, with one worker per core."""

import sys

import litserve
from fastapi import Request

from benchmarks.contenders import predictor


class Classifier(litserve.LitAPI):
    """See https://lightning.ai/docs/litserve."""

    def setup(self, device: str) -> None:
        self.model = predictor.load()

    def decode_request(self, request: Request):
        return predictor.pixels_of(request["file"].file.read())

    def predict(self, pixels):
        return self.model(pixels)

    def encode_response(self, logits):
        return predictor.answer(logits)


if __name__ == "__main__":
    server = litserve.LitServer(Classifier(), accelerator="cpu", devices=1, workers_per_device=predictor.CORES)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False)
