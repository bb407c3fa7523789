"""Hyperparameters of a training run. All of them are logged with it; the names of the fields are those in MLflow."""

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.views.augmentation import GENTLE, STRONG, Augmentation


@dataclass(frozen=True)
class HeadStage:
    """Training of the dense layers on the features of a frozen backbone."""

    epochs: int = 5
    units: int = 256
    """Size of the hidden layer; 0 for none."""
    dropout: float = 0.3
    learning_rate: float = 1e-3
    batch_size: int = 32
    label_smoothing: float = 0.05
    augmentation: Augmentation = GENTLE


@dataclass(frozen=True)
class Phase:
    """Epochs of fine-tuning with views of one kind."""

    epochs: int
    size: int
    """Width and height of the views in pixels; a multiple of 32."""
    augmentation: Augmentation


@dataclass(frozen=True)
class FineTuning:
    """Training of the whole network. Phases follow each other with one optimizer and one schedule."""

    phases: Sequence[Phase]
    learning_rate: float = 1.2e-4
    """Peak of the learning rate. At 3e-4 the network forgets its pretraining, at 6e-5 it learns too slowly."""
    weight_decay: float = 0.02
    batch_size: int = 32
    label_smoothing: float = 0.05
    mix_chance: float = 0.25
    """Share of the batches that trainer.views.mixing mixes."""
    average: float = 0.998
    """Largest momentum of the exponential moving average of the weights; fewer steps average over fewer of them."""

    @property
    def epochs(self) -> int:
        """Number of epochs of all phases."""
        return sum(phase.epochs for phase in self.phases)

    def phase(self, epoch: int) -> Phase:
        """Returns the phase that an epoch belongs to, given its number from 0."""
        phases = [phase for phase in self.phases for _ in range(phase.epochs)]
        return phases[epoch]


@dataclass(frozen=True)
class Recipe:
    """Stages of a run, in order."""

    head: HeadStage = HeadStage()
    fine_tune: FineTuning | None = None


DEFAULT = Recipe()

FINE_TUNE = FineTuning((Phase(24, 160, STRONG), Phase(6, 224, STRONG.halved(min_area=0.4))))
"""Random crops enlarge things, so a network that is trained at 160 pixels sees them at 224 as large as in training
(Touvron et al., 2019, arXiv:1906.06423). The last epochs show them as serving does."""


def recipe(epochs: int, fine_tune: bool) -> Recipe:
    """Returns the recipe for the options of the command line.

    The head of a network that will be fine-tuned has no hidden layer: all layers below it adapt.
    """
    if fine_tune:
        return Recipe(HeadStage(epochs, units=0, dropout=0.2), FINE_TUNE)
    return Recipe(HeadStage(epochs))
