"""The shapes of the REST API's answers; OpenAPI shows them with their descriptions and examples.

What every classified photo brings is made of dictionaries, which are written as JSON five times faster than models are.
"""

from datetime import datetime
from typing import Annotated, Literal, NotRequired

from pydantic import BaseModel, Field
from typing_extensions import TypedDict  # typing's own from Python 3.12 on is as good

from services.web.page.presentation import VerdictName
from services.web.problems import Problem


class ModelName(TypedDict):
    """One version of one registered model."""

    name: Annotated[str, Field(description="Registered name.", examples=["fruit-classifier"])]
    version: Annotated[str, Field(description="Version in the registry.", examples=["3"])]


class Prediction(TypedDict):
    """One class with its probability."""

    label: Annotated[str, Field(description="Stable name of the class.", examples=["banana"])]
    probability: Annotated[float, Field(description="Calibrated, 0 to 1.", examples=[0.982])]


class Evidence(TypedDict):
    """Which part of a photo speaks for the first prediction: a grid over the whole upright photo, whatever its size."""

    height: Annotated[int, Field(description="Rows, at least 1.", examples=[7])]
    width: Annotated[int, Field(description="Columns, at least 1.", examples=[7])]
    strength: Annotated[
        list[list[int]],
        Field(
            description="Rows from the top, cells from the left. 255 speaks the loudest, 0 not at all or against it.",
            examples=[[[0, 40], [12, 255]]],
        ),
    ]


class FileResult(TypedDict):
    """What one photo shows, or why that can't be said."""

    filename: Annotated[str | None, Field(description="As sent; null for a raw body.", examples=["lunch.jpg"])]
    verdict: Annotated[
        VerdictName | None,
        Field(
            description="RECOGNISED: the photo shows the first prediction's class. UNSURE: one of the classes, but "
            "which? OUT_OF_SCOPE: none of the classes. null: see `error`."
        ),
    ]
    predictions: Annotated[
        list[Prediction], Field(description="All classes, best first, with every verdict. Empty on error.")
    ]
    error: Annotated[Problem | None, Field(description="Why this photo has no verdict. It spoils no other photo's.")]
    evidence: NotRequired[
        Annotated[
            Evidence | None,
            Field(
                description="Only with `?evidence=true`. null when the model can't tell, or when there is no verdict."
            ),
        ]
    ]


class ClassifyAnswer(TypedDict):
    """Answers POST /api/v1/classify: one result for each photo, in the order sent."""

    model: Annotated[
        ModelName | None,
        Field(
            description="The version that answered; the newest, should a new one have gone live between two photos of "
            "this request. null when no photo got as far as the model."
        ),
    ]
    results: list[FileResult]


class ClassDescription(TypedDict):
    """One class of the model."""

    label: Annotated[str, Field(description="Stable name, as in predictions.", examples=["banana"])]
    display_names: Annotated[
        dict[str, str], Field(description="Names for people by language.", examples=[{"en": "Banana", "fr": "Banane"}])
    ]


class UploadLimits(TypedDict):
    """What is accepted; anything above is refused before it is decoded."""

    max_bytes: Annotated[int, Field(description="Largest photo in bytes.", examples=[20971520])]
    max_pixels: Annotated[int, Field(description="Largest photo in pixels, width times height.", examples=[64000000])]
    media_types: Annotated[
        list[str], Field(description="Accepted formats, told from the content.", examples=[["image/jpeg"]])
    ]
    max_files: Annotated[int, Field(description="Most photos in one request.", examples=[32])]
    max_request_bytes: Annotated[int, Field(description="Largest request in bytes.", examples=[104857600])]


class Refusal(ModelName):
    """A version that was offered but not made live."""

    reason: Annotated[str, Field(description="Machine-readable, UPPER_SNAKE_CASE.", examples=["MODEL_CORRUPT"])]
    message: Annotated[str, Field(description="A sentence for people.")]


class ModelDescription(ModelName):
    """The model that answers at this moment."""

    digest: Annotated[str, Field(description="SHA-256 that identifies the version's content, hexadecimal.")]
    live_since: Annotated[datetime, Field(description="When it went live (UTC).")]
    classes: list[ClassDescription]
    limits: UploadLimits
    test_metrics: Annotated[
        dict[str, float],
        Field(description="Measured on pictures that took no part in training.", examples=[{"accuracy": 0.952}]),
    ]
    refusal: Annotated[
        Refusal | None, Field(description="The newest version that was offered but refused; null if none was.")
    ]


class Health(BaseModel):
    """Says that all is well; otherwise the answer is a problem."""

    status: Literal["ok"] = "ok"
