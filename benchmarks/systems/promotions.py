"""Promotes two copies of the released model to champion in turn. It runs in the serving environment.

python -m benchmarks.systems.promotions TIMES PAUSE prints a line when both are registered. Then it makes TIMES
promotions, one every PAUSE seconds.
"""

import sys
import time

from engine.version import open_version
from registry.models import Registry, version_tags
from trainer.config import TrainerSettings


def main(times: int, pause: float) -> None:
    """Registers a second copy if there is none yet, and promotes."""
    settings = TrainerSettings()
    registry = Registry(settings.mlflow_url, settings.model_name)
    release = open_version(settings.release_dir)
    while len(registry.versions()) < 2:
        tags = version_tags(release, gate="passed", reason="For the benchmark.")
        registry.register(release.path, tags, settings.experiment_name, run_id=None)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    begun = time.monotonic()
    for number in range(times):
        # Each promotion has a fixed time, so that slow ones on a busy machine do not delay the last one.
        time.sleep(max(0.0, begun + (number + 1) * pause - time.monotonic()))
        registry.promote(str(2 - number % 2))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
