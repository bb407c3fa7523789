"""Everything that is chosen about a training run. Logged with it, word for word."""

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.augment import GENTLE, STRONG, Augmentation


@dataclass(frozen=True)
class HeadStage:
    """Dense layers on the features of a frozen backbone."""

    epochs: int = 5
    units: int = 256
    dropout: float = 0.3
    learning_rate: float = 1e-3
    batch_size: int = 32
    label_smoothing: float = 0.05
    augmentation: Augmentation = GENTLE


@dataclass(frozen=True)
class FineTuneStage:
    """More epochs on the whole network, the first layers of which may stay frozen."""

    name: str
    epochs: int
    size: int
    learning_rate: float
    first_layer: str = ""
    """The first backbone layer that learns, for example "block_13_expand". Empty: all do."""
    weight_decay: float = 0.01
    batch_size: int = 32
    label_smoothing: float = 0.1
    mix_up: float = 0.2
    average: float = 0.99
    augmentation: Augmentation = STRONG


@dataclass(frozen=True)
class Recipe:
    head: HeadStage = HeadStage()
    fine_tune: Sequence[FineTuneStage] = ()


FINE_TUNE = (FineTuneStage("all", 12, 160, 2e-4), FineTuneStage("all at full size", 2, 224, 5e-5))


def recipe(epochs: int, fine_tune: bool) -> Recipe:
    """The recipe behind the options of the command line."""
    return Recipe(HeadStage(epochs), FINE_TUNE if fine_tune else ())
