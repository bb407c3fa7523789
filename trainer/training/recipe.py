"""Hyperparameters of a training run. All of them are logged with it; the names of the fields are those in MLflow."""

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.data.augment import GENTLE, STRONG, Augmentation


@dataclass(frozen=True)
class HeadStage:
    """Training of the dense layers on the features of a frozen backbone."""

    epochs: int = 5
    units: int = 256
    dropout: float = 0.3
    learning_rate: float = 1e-3
    batch_size: int = 32
    label_smoothing: float = 0.05
    augmentation: Augmentation = GENTLE


@dataclass(frozen=True)
class FineTuneStage:
    """Training of the whole network, whose first layers may stay frozen."""

    name: str
    epochs: int
    size: int
    """Width and height of the training views in pixels; a multiple of 32."""
    learning_rate: float
    """Peak of the learning rate, which rises and then falls within the stage."""
    first_layer: str = ""
    """First backbone layer that is trained, for example "block_13_expand". Empty: all layers are trained."""
    weight_decay: float = 0.01
    batch_size: int = 32
    label_smoothing: float = 0.05
    mix_up: float = 0.2
    """Parameter alpha of trainer.data.augment.mix_up; 0 turns it off."""
    average: float = 0.99
    """Momentum of the exponential moving average of the weights."""
    augmentation: Augmentation = STRONG


@dataclass(frozen=True)
class Recipe:
    """Stages of a run, in order."""

    head: HeadStage = HeadStage()
    fine_tune: Sequence[FineTuneStage] = ()


DEFAULT = Recipe()

# Learning rates were chosen on validation pictures. At 2e-4 all layers forget their pretraining; at 6e-5 they learn too
# slowly.
FINE_TUNE = (
    FineTuneStage("upper blocks", epochs=1, size=160, learning_rate=2e-4, first_layer="block_13_expand"),
    FineTuneStage("all layers", epochs=12, size=160, learning_rate=1e-4),
    FineTuneStage("full size", epochs=2, size=224, learning_rate=5e-5),
)


def recipe(epochs: int, fine_tune: bool) -> Recipe:
    """Returns the recipe for the options of the command line."""
    return Recipe(HeadStage(epochs), FINE_TUNE if fine_tune else ())
