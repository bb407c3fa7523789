"""Tells when a data set has too few pictures for what a version claims. Pure."""

from collections import Counter
from collections.abc import Iterator

from trainer.data.dataset import Dataset

MIN_VALIDATION_PICTURES = 100
"""Number of validation pictures below which they alone can't calibrate a version."""
MIN_PICTURES_OF_A_CLASS = 50
"""Number of pictures of each class to learn from below which answers may be wrong more often than a test shows."""


def can_be_calibrated_on_validation(dataset: Dataset) -> bool:
    """Returns whether there are enough validation pictures to calibrate a version on them alone."""
    return len(dataset.validation) >= MIN_VALIDATION_PICTURES


def problems_of_few(dataset: Dataset, fine_tune: bool) -> Iterator[str]:
    """Yields sentences on what a version has too few pictures for; none if there are enough.

    Args:
        fine_tune: whether all layers learn, which only validation pictures can be calibrated on.
    """
    counts = Counter(picture.label for picture in dataset.train)
    label = min(dataset.labels, key=lambda label: (counts[label], label))
    if counts[label] < MIN_PICTURES_OF_A_CLASS:
        yield (
            f"There are only {counts[label]} pictures of {label} to learn from, and no class should have fewer than "
            f"{MIN_PICTURES_OF_A_CLASS}."
        )
    if fine_tune and not can_be_calibrated_on_validation(dataset):
        yield (
            f"There are only {len(dataset.validation)} validation pictures to calibrate a fine-tuned version on, and "
            f"there should be {MIN_VALIDATION_PICTURES}; without --fine-tune it is calibrated on all pictures."
        )
