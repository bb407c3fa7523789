"""What the steps of a run have in common."""

from dataclasses import dataclass
from functools import cached_property

from verger.v1 import model_pb2

from registry.models import Registry
from trainer.config import TrainerSettings
from trainer.data.dataset import Dataset
from trainer.evaluation.evaluate import EvaluationData
from trainer.evaluation.scoring import NegativeLogits
from trainer.progress import Progress
from trainer.training.recipe import DEFAULT, Recipe


@dataclass(frozen=True)
class RunContext:
    """Inputs of a run that its steps share. The command builds it once and every step receives it."""

    dataset: Dataset
    preprocessing: model_pb2.Preprocessing
    """Preprocessing of the version that the run makes."""
    settings: TrainerSettings
    progress: Progress
    recipe: Recipe = DEFAULT
    """Training stages."""
    seed: int = 0
    """Seed of everything that is random."""

    @property
    def workers(self) -> int:
        """Pictures that are processed in parallel."""
        return self.settings.trainer_workers

    @cached_property
    def registry(self) -> Registry:
        """Registered model that the run adds a version to."""
        return Registry(self.settings.mlflow_url, self.settings.model_name)

    def evaluation_data(self, remembered: NegativeLogits) -> EvaluationData:
        """Returns the test pictures, and the validation negatives: no other negatives are kept from training.

        Args:
            remembered: logits of remembered negatives, by the version that is evaluated.
        """
        dataset = self.dataset
        return EvaluationData(
            dataset.folders.root, dataset.test, dataset.validation_negatives, remembered, dataset.elsewhere
        )
