"""Prints the sizes of the images, and fails if one exceeds its budget.

usage: python scripts/image_sizes.py [BASE]

BASE is the image that all others are built on (default: VERGER_PYTHON_IMAGE, or that of the Dockerfiles). Images that
are not built are left out. Sizes are those of the unpacked images in MB (10^6 bytes).
"""

import os
import re
import subprocess
import sys
from pathlib import Path

DOCKERFILE = Path(__file__).parent.parent / "services" / "web" / "Dockerfile"

# Size above the base image in MB. The packages of the images without a budget leave no choice.
BUDGETS_MB = {
    "verger-web": 120,
    "verger-preprocess": 100,
    "verger-inference": 270,
    "verger-collection": 105,
    "verger-registrar": None,
    "verger-mlflow": None,
    "verger-trainer": None,
}


def megabytes(image: str) -> float | None:
    """Returns the size of an image in MB, or None if there is no such image."""
    inspect = ["docker", "image", "inspect", "--format", "{{.Size}}", image]
    found = subprocess.run(inspect, capture_output=True, text=True)  # noqa: S603  # names from this file and the operator
    return int(found.stdout) / 1e6 if found.returncode == 0 else None


def main(base: str) -> int:
    """Prints the table. Returns the exit status: 1 if a budget is exceeded, 2 if there is no base image."""
    below = megabytes(base)
    if below is None:
        sys.stderr.write(f"There is no image {base}. Give the image that the others are built on.\n")
        return 2
    exceeded = 0
    tag = os.environ.get("VERGER_TAG") or "latest"
    sys.stdout.write("| image | size | above the base | budget |\n| --- | ---: | ---: | ---: |\n")
    for name, budget in BUDGETS_MB.items():
        size = megabytes(f"{name}:{tag}")
        if size is None:
            continue
        allowed = f"{budget} MB" if budget else ""
        sys.stdout.write(f"| {name} | {size:.0f} MB | {size - below:.0f} MB | {allowed} |\n")
        exceeded += budget is not None and size - below > budget
    return int(exceeded > 0)


def base_image() -> str:
    """Returns the image that the images are built on unless BASE says another one."""
    (default,) = re.findall(r"^ARG VERGER_PYTHON_IMAGE=(\S+)$", DOCKERFILE.read_text(), re.MULTILINE)
    return os.environ.get("VERGER_PYTHON_IMAGE") or default


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:] or [base_image()]))
