"""A candidate: a new version that is calibrated and tested, but not registered yet."""

from dataclasses import dataclass, replace
from pathlib import Path

from verger.v1 import model_pb2

from engine.contract import write_contract
from engine.version import EVALUATION_FILE, SERVING_FILE, VersionDirectory, open_version
from trainer.data.dataset import class_indices
from trainer.evaluation.calibration import NOTHING_SEEN, Unseen
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.figures import Evaluation
from trainer.evaluation.scoring import NegativeLogits
from trainer.graphs.features import logits_of
from trainer.runs.served_graph import ServedGraph
from trainer.training.context import RunContext


@dataclass(frozen=True)
class Candidate:
    """A complete version directory with its evaluation on the test pictures."""

    version: VersionDirectory
    evaluation: Evaluation


def make_candidate(
    context: RunContext,
    directory: Path,
    draft: model_pb2.ModelContract,
    served: ServedGraph,
    remembered: NegativeLogits,
) -> Candidate:
    """Tests the serving graph in a directory, completes the contract and writes it there.

    Args:
        draft: contract from draft_contract(), with its provenance and calibration. Test metrics are added to it.
        served: the graph in the directory.
        remembered: the graph's logits of remembered negatives.
    """
    data = replace(context.evaluation_data(remembered), logits=served.logits)
    with context.progress.counting("Testing") as progress:
        found = evaluate(directory / SERVING_FILE, draft, data, context.workers, progress)
    evaluation = replace(found, arithmetic=served.arithmetic)
    evaluation.write(directory / EVALUATION_FILE)
    for name, value in evaluation.summary().items():
        draft.provenance.test_metrics[name] = value
    write_contract(draft, directory)
    return Candidate(open_version(directory), evaluation)


def unseen_by(
    context: RunContext,
    graph: Path,
    draft: model_pb2.ModelContract,
    remembered: NegativeLogits,
) -> Unseen:
    """Asks a serving graph about the validation pictures and negatives, which it has not learned.

    Args:
        draft: see make_candidate.
        remembered: the graph's logits of remembered negatives for validation.
    """
    dataset, labels = context.dataset, [info.label for info in draft.classes]
    pictures = [*dataset.validation, *dataset.validation_negatives]
    with context.progress.counting("Calibrating") as progress:
        logits = logits_of(graph, pictures, draft.preprocessing, context.workers, progress)
    count = len(dataset.validation)
    seen = Unseen(logits[:count], class_indices(dataset.validation, labels), logits[count:])
    return seen.followed_by(replace(NOTHING_SEEN, negatives=remembered.logits))
