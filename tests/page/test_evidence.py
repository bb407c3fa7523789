"""The evidence overlay as visitors see it: it outlines what speaks for the answer, and appears only on request."""

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.support.page.pages import OpenPage, Site
from tests.support.page.scripted_classifier import BANANA_ON_THE_LEFT
from tests.support.pictures.photos import encoded, plain

WHITE, BLACK, GREY = (255, 255, 255), (0, 0, 0), (128, 128, 128)


@pytest.fixture(autouse=True)
def banana_with_evidence(site: Site) -> None:
    site.classifier.outcomes = [BANANA_ON_THE_LEFT]


def toggle(page: Page) -> Locator:
    return page.get_by_role("checkbox", name="Show what the model looked at")


def send(
    page: Page, folder: Path, image: Image.Image, format: str = "PNG", script: bool = True, **options: object
) -> None:
    path = folder / f"photo.{format.lower()}"
    path.write_bytes(encoded(image, format, **options))
    page.set_input_files("#photo", path)
    if not script:
        page.locator("#photo-form button.primary").click()
    expect(page.locator("#result h2")).to_have_text("Banana")


def painted(page: Page) -> NDArray[np.float64]:
    """Returns the photo as the screen shows it: height x width x 3, RGB, 0 to 255."""
    image = page.locator(".answer .frame img")
    image.scroll_into_view_if_needed()
    return np.asarray(Image.open(io.BytesIO(image.screenshot())).convert("RGB"), np.float64)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("color", [WHITE, GREY, BLACK], ids=["light photo", "grey photo", "dark photo"])
def test_a_line_surrounds_the_evidence_and_shade_covers_the_rest(
    open_page: OpenPage, tmp_path: Path, script: bool, color: tuple[int, int, int]
) -> None:
    page = open_page(java_script_enabled=script)
    send(page, tmp_path, plain(color, (900, 150)), script=script)  # not the shape of the evidence map
    expect(toggle(page)).not_to_be_checked()
    expect(page.get_by_text("The outlined part, on the left")).to_be_hidden()
    before = painted(page)
    assert np.ptp(before[20:-20, 20:-20]) == 0
    toggle(page).check()
    expect(page.get_by_text("The outlined part, on the left, is what looks most like “banana”")).to_be_visible()
    shown = painted(page)[20:-20, 20:-20]
    assert np.abs(shown[:, :50] - color).max() <= 2
    assert np.abs(shown[:, -50:] - np.multiply(color, 0.45)).max() <= 2
    line = shown[len(shown) // 2]
    assert (line.min(), line.max()) == (0, 255)
    toggle(page).uncheck()
    assert np.array_equal(painted(page), before)


@pytest.mark.parametrize("size", ["phone", "desktop"])
@pytest.mark.parametrize("shape", [(1600, 300), (300, 1600), (40, 30), (900, 900)], ids=str)
def test_the_overlay_covers_exactly_the_photo(
    open_page: OpenPage, tmp_path: Path, size: str, shape: tuple[int, int]
) -> None:
    page = open_page(size)
    send(page, tmp_path, plain(size=shape))
    photo, overlay = page.locator(".frame img").bounding_box(), page.locator(".overlay").bounding_box()
    assert photo is not None
    assert overlay == pytest.approx(photo, abs=1)
    assert photo["width"] / photo["height"] == pytest.approx(shape[0] / shape[1], rel=0.03)
    assert photo["height"] <= 480.5


def test_a_small_photo_is_enlarged(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    send(page, tmp_path, plain(size=(40, 30)))
    photo = page.locator(".frame img").bounding_box()
    assert photo is not None
    assert (photo["width"], photo["height"]) == pytest.approx((160, 120), abs=1)


def test_the_overlay_fits_a_photo_that_its_exif_orientation_rotates(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    exif = Image.Exif()
    exif[0x0112] = 6
    send(page, tmp_path, plain(WHITE, (400, 200)), "JPEG", exif=exif)
    toggle(page).check()
    shown = painted(page)
    assert shown.shape[0] > shown.shape[1]
    middle = shown[len(shown) // 2]
    assert middle[20].min() >= 253
    assert middle[-20].max() <= 120


def test_the_checkbox_is_the_first_tab_stop_after_the_answer(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    send(page, tmp_path, plain())
    expect(page.locator("#result h2")).to_be_focused()
    page.keyboard.press("Tab")
    expect(toggle(page)).to_be_focused()
    expect(page.locator(".overlay")).to_have_css("opacity", "0")
    page.keyboard.press("Space")
    expect(page.locator(".overlay")).to_have_css("opacity", "1")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_no_evidence_is_offered_if_the_browser_can_not_show_the_photo(
    open_page: OpenPage, tmp_path: Path, script: bool
) -> None:
    page = open_page(java_script_enabled=script)
    send(page, tmp_path, plain(), "TIFF", script=script)
    expect(page.get_by_text("There is no preview for this photo")).to_be_visible()
    expect(toggle(page)).to_have_count(0)
    expect(page.locator(".overlay")).to_be_hidden()


def test_the_next_answer_starts_without_the_overlay(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    page.get_by_role("button", name="banana").click()
    toggle(page).check()
    page.get_by_role("button", name="kiwi").click()
    expect(page.locator(".answer img[src*=kiwi]")).to_be_visible()
    expect(toggle(page)).not_to_be_checked()
