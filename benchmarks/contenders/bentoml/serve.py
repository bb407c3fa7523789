"""BentoML, with one worker per core."""

import bentoml
from PIL.Image import Image

from benchmarks.contenders import predictor


@bentoml.service(workers=predictor.CORES, traffic={"timeout": 60})
class Classifier:
    """See https://docs.bentoml.com."""

    def __init__(self) -> None:
        self.model = predictor.load()

    @bentoml.api
    def predict(self, file: Image) -> dict:
        return predictor.answer(self.model(predictor.pixels_of(file)))
