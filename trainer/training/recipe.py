"""Everything that is chosen about a training run. Logged with it, word for word."""

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.data.augment import GENTLE, STRONG, Augmentation


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
    """Width and height of the training views; a multiple of 32."""
    learning_rate: float
    """The highest; it rises to it and falls again within the stage."""
    first_layer: str = ""
    """The first backbone layer that learns, for example "block_13_expand". Empty: all do."""
    weight_decay: float = 0.01
    batch_size: int = 32
    label_smoothing: float = 0.05
    mix_up: float = 0.2
    """See trainer.data.augment.mix_up; 0 mixes nothing."""
    average: float = 0.99
    """Share of the mean weights that a step leaves as it was."""
    augmentation: Augmentation = STRONG


@dataclass(frozen=True)
class Recipe:
    """The stages of a run, in order."""

    head: HeadStage = HeadStage()
    fine_tune: Sequence[FineTuneStage] = ()


# Rates were chosen on validation pictures: at 2e-4 all layers forget what they knew, at 6e-5 they learn too slowly.
FINE_TUNE = (
    FineTuneStage("upper blocks", epochs=1, size=160, learning_rate=2e-4, first_layer="block_13_expand"),
    FineTuneStage("all layers", epochs=12, size=160, learning_rate=1e-4),
    FineTuneStage("full size", epochs=2, size=224, learning_rate=5e-5),
)


def recipe(epochs: int, fine_tune: bool) -> Recipe:
    """The recipe behind the options of the command line."""
    return Recipe(HeadStage(epochs), FINE_TUNE if fine_tune else ())
