"""What is predicted, of whom, and with which features and models."""

from dataclasses import dataclass

from beha2vec_core.predictions.features import BLOCKS, Block
from beha2vec_core.predictions.targets import HORIZONS, PURCHASE, RETURN


@dataclass(frozen=True)
class FitConfig:
    """How a model is fitted.

    Attributes:
        targets: ``purchase``, ``return`` and events of dbt's var predicted_events.
        horizons: days, ascending.
        population_days: users seen within this many days are learned from and scored.
        blocks: blocks of features that may be used, in the order in which they are tried.
        features: instead of blocks, exactly these features (for baselines); no block is tried then.
        trees: whether LightGBM may be used.
        intervals: whether intervals are measured; without, they are as narrow as the calibration allows.
        encoder: version of the encoder whose behavior vectors the rows have; "": they have none.
    """

    targets: tuple[str, ...] = (PURCHASE, RETURN)
    horizons: tuple[int, ...] = HORIZONS
    population_days: int = 28
    blocks: tuple[Block, ...] = tuple(BLOCKS)
    features: tuple[str, ...] | None = None
    trees: bool = True
    threads: int = 2
    seed: int = 0
    intervals: bool = True
    encoder: str = ""
