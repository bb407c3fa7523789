"""The names of the verdicts, without the prefix that they have in the proto."""

from typing import Literal, cast

from verger.v1 import classifier_pb2

VerdictName = Literal["RECOGNISED", "UNSURE", "OUT_OF_SCOPE"]


def verdict_name(verdict: classifier_pb2.Verdict) -> VerdictName:
    """Returns the verdict's name without the prefix that it has in the proto."""
    return cast(VerdictName, classifier_pb2.Verdict.Name(verdict).removeprefix("VERDICT_"))
