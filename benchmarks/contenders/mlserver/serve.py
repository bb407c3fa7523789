"""A custom runtime for MLServer, with one worker per core (MLSERVER_PARALLEL_WORKERS)."""

import json

from mlserver import MLModel
from mlserver.codecs import Base64Codec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.contenders import predictor


class Classifier(MLModel):
    """See https://docs.seldon.ai/mlserver."""

    async def load(self) -> bool:
        self.model = predictor.load()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        (photo,) = Base64Codec.decode_input(payload.inputs[0])
        logits = self.model(predictor.pixels_of(photo))
        output = StringCodec.encode_output("answer", [json.dumps(predictor.answer(logits))])
        return InferenceResponse(model_name=self.name, outputs=[output])
