"""Says how large the images are, and fails when one has outgrown its budget.

usage: python scripts/image_sizes.py [BASE]

BASE: the image that all others are built on (default: what VERGER_PYTHON_IMAGE names, as in docker-compose.yml).
Images that are not built are left out. Sizes are of the unpacked images, in millions of bytes.
"""

import os
import subprocess
import sys

# Above the base image, in MB. What has no budget is as small as its packages let it be.
BUDGETS = {
    "verger-web": 120,
    "verger-preprocess": 100,
    "verger-inference": 230,
    "verger-registrar": None,
    "verger-mlflow": None,
    "verger-trainer": None,
}


def megabytes(image: str) -> float | None:
    """The size of an image, None when it is not there."""
    inspect = ["docker", "image", "inspect", "--format", "{{.Size}}", image]
    found = subprocess.run(inspect, capture_output=True, text=True)  # noqa: S603  # names from this file and the operator
    return int(found.stdout) / 1e6 if found.returncode == 0 else None


def main(base: str) -> int:
    """Prints the table. Exit status 1 when a budget is exceeded, 2 when the base image is not there."""
    below = megabytes(base)
    if below is None:
        sys.stderr.write(f"There is no image {base}. Name the one that the others were built on.\n")
        return 2
    exceeded = 0
    tag = os.environ.get("VERGER_TAG") or "latest"
    sys.stdout.write("| image | size | above the base | budget |\n| --- | ---: | ---: | ---: |\n")
    for name, budget in BUDGETS.items():
        size = megabytes(f"{name}:{tag}")
        if size is None:
            continue
        allowed = f"{budget} MB" if budget else ""
        sys.stdout.write(f"| {name} | {size:.0f} MB | {size - below:.0f} MB | {allowed} |\n")
        exceeded += budget is not None and size - below > budget
    return int(exceeded > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:] or [os.environ.get("VERGER_PYTHON_IMAGE") or "python:3.11-slim-bookworm"]))
