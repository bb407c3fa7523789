"""Files that are made to take all of the processor time or memory keep nobody else waiting."""

from collections.abc import Callable

import pytest
from PIL import features

from tests.support.attacks import pictures
from tests.support.attacks.over_http import send_pictures
from tests.support.attacks.trial import Trial

AT_ONCE = 8
MAX_DECODING_MIB = 700
"""Of preprocess while it decodes."""

BUSY = "OVERLOADED"


@pytest.mark.parametrize("made", [pictures.endless_scans, pictures.endless_chunks], ids=["JPEG scans", "PNG chunks"])
def test_files_without_an_end_are_refused(trial: Trial, made: Callable[[], bytes]) -> None:
    outcomes, _ = trial.run(send_pictures, [made()], AT_ONCE)
    assert set(outcomes) - {BUSY} == {"IMAGE_TOO_COMPLEX"}


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_an_avif_that_lies_about_its_size_is_refused(trial: Trial) -> None:
    outcomes, _ = trial.run(send_pictures, [pictures.lying_avif()], AT_ONCE)
    assert set(outcomes) - {BUSY} == {"IMAGE_TOO_MANY_PIXELS"}


def test_eight_huge_pictures_at_once_take_bounded_memory(trial: Trial) -> None:
    bombs = [made() for format, made in pictures.BOMBS.items() if format != "AVIF" or features.check("avif")]
    outcomes, _ = trial.run(send_pictures, bombs, AT_ONCE)
    assert set(outcomes) <= {"OK", "IMAGE_TOO_MANY_PIXELS", "IMAGE_TOO_COMPLEX", BUSY, "DEADLINE_EXCEEDED"}
    assert trial.peaks_mib["preprocess"] < MAX_DECODING_MIB


def test_a_fax_of_noise_does_not_flood_the_log(trial: Trial) -> None:
    outcomes, _ = trial.run(send_pictures, [pictures.noisy_fax()], AT_ONCE)
    assert set(outcomes) <= {"OK", BUSY, "IMAGE_CORRUPT", "IMAGE_TRUNCATED", "IMAGE_TOO_COMPLEX"}


def test_forty_uploads_of_20_mb_take_bounded_memory(trial: Trial) -> None:
    outcomes, _ = trial.run(send_pictures, [pictures.largest_photo()], 40)
    assert set(outcomes) <= {"OK", BUSY, "UPLOAD_TIMEOUT"}
