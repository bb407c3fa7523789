"""What the model looked at, as people see it: fog over the photo, on the photo exactly, and only when asked for."""

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import OpenPage, Site
from tests.support.photos import encoded, plain
from tests.support.scripted_classifier import BANANA_ON_THE_LEFT

WHITE, BLACK, GREY = (255, 255, 255), (0, 0, 0), (125, 133, 131)  # GREY: the fog's own


@pytest.fixture(autouse=True)
def evidence(site: Site) -> None:
    site.classifier.outcomes = [BANANA_ON_THE_LEFT]


def toggle(page: Page) -> Locator:
    return page.get_by_role("checkbox", name="Show what it looked at")


def send(page: Page, folder: Path, image: Image.Image, format: str = "PNG", **options: object) -> None:
    path = folder / f"photo.{format.lower()}"
    path.write_bytes(encoded(image, format, **options))
    page.set_input_files("#photo", path)
    page.locator("#photo-form button.primary").click()
    expect(page.locator("#result h2")).to_have_text("Banana")


def painted(page: Page) -> NDArray[np.float64]:
    """The photo as it is on the screen: RGB, 0 to 255."""
    image = page.locator(".answer .frame img")
    image.scroll_into_view_if_needed()
    return np.asarray(Image.open(io.BytesIO(image.screenshot())).convert("RGB"), np.float64)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("color", [WHITE, BLACK], ids=["light photo", "dark photo"])
def test_the_fog_lies_on_what_does_not_speak(
    open_page: OpenPage, tmp_path: Path, script: bool, color: tuple[int, int, int]
) -> None:
    page = open_page(java_script_enabled=script)
    send(page, tmp_path, plain(color, (900, 150)))  # of another shape than the map
    expect(toggle(page)).not_to_be_checked()
    expect(page.get_by_text("What stays clear speaks for “banana”.")).to_be_hidden()
    before = painted(page)
    assert np.ptp(before[20:-20, 20:-20]) == 0
    toggle(page).check()
    expect(page.get_by_text("What stays clear speaks for “banana”.")).to_be_visible()
    seen = painted(page)
    left, right = (seen[20:-20, 20:-20][:, columns] for columns in (slice(50), slice(-50, None)))
    assert np.abs(left - color).max() <= 2
    assert np.abs(right - np.add(np.multiply(GREY, 0.85), np.multiply(color, 0.15))).max() <= 2
    toggle(page).uncheck()
    assert np.array_equal(painted(page), before)


@pytest.mark.parametrize("size", ["phone", "desktop"])
@pytest.mark.parametrize("shape", [(1600, 300), (300, 1600), (40, 30), (900, 900)], ids=str)
def test_the_fog_covers_the_photo_and_no_more(
    open_page: OpenPage, tmp_path: Path, size: str, shape: tuple[int, int]
) -> None:
    page = open_page(size)
    send(page, tmp_path, plain(size=shape))
    photo, fog = page.locator(".frame img").bounding_box(), page.locator(".fog").bounding_box()
    assert photo is not None
    assert fog == pytest.approx(photo, abs=1)
    assert photo["width"] / photo["height"] == pytest.approx(shape[0] / shape[1], rel=0.03)
    assert photo["height"] <= 480.5


def test_a_small_photo_grows(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    send(page, tmp_path, plain(size=(40, 30)))
    photo = page.locator(".frame img").bounding_box()
    assert photo is not None
    assert (photo["width"], photo["height"]) == pytest.approx((160, 120), abs=1)


def test_a_photo_that_lies_on_its_side_is_fogged_upright(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    exif = Image.Exif()
    exif[0x0112] = 6
    send(page, tmp_path, plain(WHITE, (400, 200)), "JPEG", exif=exif)
    toggle(page).check()
    seen = painted(page)
    assert seen.shape[0] > seen.shape[1]
    middle = seen[len(seen) // 2]
    assert middle[20].min() >= 253
    assert middle[-20].max() <= 155


def test_the_keyboard_shows_it_right_after_the_answer(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    send(page, tmp_path, plain())
    expect(page.locator("#result h2")).to_be_focused()
    page.keyboard.press("Tab")
    expect(toggle(page)).to_be_focused()
    expect(page.locator(".fog")).to_have_css("opacity", "0")
    page.keyboard.press("Space")
    expect(page.locator(".fog")).to_have_css("opacity", "1")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_without_the_photo_there_is_nothing_to_show(open_page: OpenPage, tmp_path: Path, script: bool) -> None:
    page = open_page(java_script_enabled=script)
    send(page, tmp_path, plain(), "TIFF")
    expect(page.get_by_text("No preview for this photo")).to_be_visible()
    expect(toggle(page)).to_have_count(0)
    expect(page.locator(".fog")).to_be_hidden()


def test_the_next_answer_starts_without_fog(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    page.get_by_role("button", name="banana").click()
    toggle(page).check()
    page.get_by_role("button", name="kiwi").click()
    expect(page.locator(".answer img[src*=kiwi]")).to_be_visible()
    expect(toggle(page)).not_to_be_checked()
