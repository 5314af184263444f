"""What is predicted, of whom, and with which features and models."""

from dataclasses import dataclass

from beha2vec_core.predictions.features import BLOCKS, Block
from beha2vec_core.predictions.targets import HORIZONS, PURCHASE, RETURN


@dataclass(frozen=True)
class FitConfig:
    """How a model is fitted."""

    targets: tuple[str, ...] = (PURCHASE, RETURN)  # ``purchase``, ``return`` and events of dbt's var predicted_events
    horizons: tuple[int, ...] = HORIZONS  # days, ascending
    population_days: int = 28  # users seen within this many days are learned from and scored
    # blocks of features that may be used, in the order in which they are tried
    blocks: tuple[Block, ...] = tuple(BLOCKS)
    # instead of blocks, exactly these features (for baselines); no block is tried then
    features: tuple[str, ...] | None = None
    trees: bool = True  # whether LightGBM may be used
    threads: int = 2
    seed: int = 0
    intervals: bool = True  # whether intervals are measured; without, they are as narrow as the calibration allows
    encoder: str = ""  # version of the encoder whose behavior vectors the rows have; "": they have none
