"""The types of the REST API's answers, with the descriptions and examples that OpenAPI shows.

The answers are TypedDicts because Pydantic writes dictionaries as JSON five times faster than models.
"""

from datetime import datetime
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # Pydantic needs this one before Python 3.12

from services.common.verdicts import VerdictName
from services.web.problems import Problem


class ModelName(TypedDict):
    """One version of one registered model."""

    name: Annotated[str, Field(description="Registered name.", examples=["fruit-classifier"])]
    version: Annotated[str, Field(description="Version in the registry.", examples=["3"])]


class Prediction(TypedDict):
    """One class with its probability."""

    label: Annotated[str, Field(description="Stable label of the class.", examples=["banana"])]
    probability: Annotated[
        float, Field(description="Calibrated probability, 0 to 1, rounded to 4 decimals.", examples=[0.982])
    ]


class Evidence(TypedDict):
    """Shows which parts of a photo support the first prediction: a grid of cells over the whole upright photo."""

    height: Annotated[int, Field(description="Rows, at least 1.", examples=[7])]
    width: Annotated[int, Field(description="Columns, at least 1.", examples=[7])]
    strength: Annotated[
        list[list[int]],
        Field(
            description="Rows from top to bottom, cells from left to right. 255 is the strongest evidence for the "
            "class; 0 is no evidence, or evidence against it.",
            examples=[[[0, 40], [12, 255]]],
        ),
    ]


class Timings(TypedDict):
    """Time that one photo spent in each step, in milliseconds."""

    decode_queue_ms: Annotated[float, Field(description="Waiting for a free core before decoding.", examples=[0.03])]
    decode_ms: Annotated[float, Field(description="Decoding, rotating and resizing.", examples=[3.41])]
    compute_queue_ms: Annotated[float, Field(description="Waiting for a free core before inference.", examples=[0.02])]
    compute_ms: Annotated[float, Field(description="Forward pass of the model.", examples=[5.87])]


class FileResult(TypedDict):
    """The verdict on one photo, or the reason why it could not be classified."""

    filename: Annotated[
        str | None, Field(description="The name that was sent; null for a raw body.", examples=["lunch.jpg"])
    ]
    verdict: Annotated[
        VerdictName | None,
        Field(
            description="RECOGNISED: the photo shows the class of the first prediction. UNSURE: it seems to show one "
            "of the classes, but the model can't tell which. OUT_OF_SCOPE: it shows none of the classes. null: see "
            "`error`."
        ),
    ]
    label: Annotated[
        str | None,
        Field(
            description="The class that the photo shows, if the verdict is RECOGNISED; otherwise null.",
            examples=["banana"],
        ),
    ]
    display_name: Annotated[
        str | None,
        Field(
            description="The name of `label` in the language of `?lang=`; in English, or the label itself, where the "
            "model has none.",
            examples=["banana"],
        ),
    ]
    predictions: Annotated[
        list[Prediction], Field(description="All classes, most probable first, whatever the verdict. Empty on error.")
    ]
    error: Annotated[Problem | None, Field(description="Why this photo has no verdict.")]
    evidence: NotRequired[
        Annotated[
            Evidence | None,
            Field(
                description="Only with `?evidence=true`. null if the model offers no evidence or there is no verdict."
            ),
        ]
    ]
    timings: NotRequired[
        Annotated[Timings | None, Field(description="Only with `?timings=true`. null if there is no verdict.")]
    ]


class ClassifyAnswer(TypedDict):
    """The answer of POST /api/v1/classify: one result for each photo, in the order in which they were sent."""

    model: Annotated[
        ModelName | None,
        Field(
            description="The version that answered. If a new version went live during the request, this is the newest "
            "that answered. null if no photo was classified."
        ),
    ]
    results: list[FileResult]


class ClassDescription(TypedDict):
    """One class of the model."""

    label: Annotated[str, Field(description="Stable label, as in predictions.", examples=["banana"])]
    display_names: Annotated[
        dict[str, str], Field(description="The name in each language.", examples=[{"en": "Banana", "fr": "Banane"}])
    ]


class UploadLimits(TypedDict):
    """The limits of a request. Photos above them are rejected before they are decoded."""

    max_bytes: Annotated[int, Field(description="Largest photo in bytes.", examples=[20971520])]
    max_pixels: Annotated[int, Field(description="Largest photo in pixels, width times height.", examples=[64000000])]
    media_types: Annotated[
        list[str],
        Field(description="Accepted formats. They are recognised from the content.", examples=[["image/jpeg"]]),
    ]
    max_files: Annotated[int, Field(description="Most photos in one request.", examples=[32])]
    max_request_bytes: Annotated[int, Field(description="Largest request in bytes.", examples=[104857600])]


class Refusal(ModelName):
    """A version that was refused and did not go live."""

    reason: Annotated[str, Field(description="Machine-readable, UPPER_SNAKE_CASE.", examples=["MODEL_CORRUPT"])]
    message: Annotated[str, Field(description="Why it was refused, in English.")]


class FeedbackAnswer(TypedDict):
    """What was said is noted, and there is a photo to learn from."""

    answer: Annotated[str, Field(description="Id of the answer, as it was sent.")]


class ModelDescription(ModelName):
    """The live model."""

    digest: Annotated[str, Field(description="SHA-256 of the version's content, hexadecimal.")]
    live_since: Annotated[datetime, Field(description="When this version went live (UTC).")]
    classes: list[ClassDescription]
    limits: UploadLimits
    test_metrics: Annotated[
        dict[str, int | float],
        Field(
            description="Measured on photos that were not used in training: shares from 0 to 1, rounded to 4 "
            "decimals, and numbers of pictures, `images` and `negatives`. A name after a dot is that of a part of the "
            "photos from elsewhere, or of a group of pictures of other things.",
            examples=[{"accuracy": 0.9516, "images": 895}],
        ),
    ]
    few_pictures: Annotated[
        bool,
        Field(description="Whether it was trained on so few photos that its answers may be wrong. Tell your users so."),
    ]
    refusal: Annotated[
        Refusal | None, Field(description="The version that was offered last, if it was refused; otherwise null.")
    ]
