"""What the page says about the test of a version."""

from services.web.page.figures import figures_in_words
from services.web.page.languages import load_catalogs

EN, FR = (load_catalogs()[tag] for tag in ("en", "fr"))

METRICS = {
    "accuracy": 0.75,
    "images": 24.0,
    "unsure_share": 0.125,
    "refused_share": 1 / 3,
    "macro_f1": 0.7,
    "accuracy.market": 0.9,
    "images.market": 50.0,
    "auroc.animals": 0.99,
    "negatives.animals": 40.0,
    "refused_share.animals": 0.95,
}


def test_there_is_a_sentence_for_each_collection_of_test_pictures() -> None:
    learned, elsewhere, negatives, intervals = figures_in_words(METRICS, EN)
    assert learned.startswith("24 test photos from the collection it learned from: 75% right (55% to 88%).")
    assert "unsure about 12% and took 33% for none" in learned
    assert elsewhere == "50 photos from elsewhere (market): 90% right (79% to 96%)."
    assert negatives == "40 pictures of other things (animals): 95% taken for none of its classes (83% to 99%)."
    assert "95% confidence" in intervals


def test_a_few_right_answers_do_not_look_like_certainty() -> None:
    few = figures_in_words({"accuracy": 1.0, "images": 9.0}, FR)[0]
    assert "100\u202f% de bonnes réponses (de 70\u202f% à 100\u202f%)" in few


def test_figures_that_make_no_sense_are_left_out_and_break_no_page() -> None:
    nan, inf = float("nan"), float("inf")
    assert figures_in_words(METRICS | {"accuracy": nan}, EN) == figures_in_words(METRICS | {"images": inf}, EN) == []
    assert figures_in_words(METRICS | {"unsure_share": nan}, EN) == []
    for wrong in ({"accuracy.market": 1.5}, {"images.market": 0.0}, {"images.market": nan}):
        assert len(figures_in_words(METRICS | wrong, EN)) == 3
    assert len(figures_in_words(METRICS | {"images.nowhere": 5.0, "negatives.nothing": 5.0}, EN)) == 4


def test_versions_made_before_a_figure_say_nothing_of_it() -> None:
    older = {name: METRICS[name] for name in ("accuracy", "images", "accuracy.market", "auroc.animals")}
    assert len(figures_in_words(older, EN)) == 2
    assert figures_in_words({"accuracy": 1.0}, EN) == []
