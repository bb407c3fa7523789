"""Ray Serve, with one replica per core."""

import sys

import ray
from ray import serve
from starlette.requests import Request

from benchmarks.contenders import predictor


@serve.deployment(num_replicas=predictor.CORES, ray_actor_options={"num_cpus": 1}, max_ongoing_requests=64)
class Classifier:
    """See https://docs.ray.io/en/latest/serve."""

    def __init__(self) -> None:
        self.model = predictor.load()

    async def __call__(self, request: Request) -> dict:
        return predictor.answer(self.model(predictor.pixels_of(await request.body())))


if __name__ == "__main__":
    ray.init(num_cpus=predictor.CORES, include_dashboard=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Classifier.bind(), route_prefix="/predict", blocking=True)
