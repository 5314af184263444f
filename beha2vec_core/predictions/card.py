"""The model card of a prediction model: what it predicts, how, for whom, and what to keep in mind."""

from beha2vec_core.predictions.features import BLOCKS
from beha2vec_core.predictions.model import PredictionModel
from beha2vec_core.words import counted

_USERS = {"buyers": "users with an earlier purchase", "others": "users without one", "all": "all users"}


def model_card(model: PredictionModel) -> str:
    """The card as Markdown. It holds no text from the export but names of events."""
    lines = [
        f"# Prediction model {model.version}",
        "",
        f"Fitted as of {model.standing}: it used nothing that was exported from then on. It scores users seen in the "
        f"{model.config.population_days} days before a date.",
        "",
        "| target | days | users | model | users with the outcome | calibration |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, target in model.targets.items():
        for kind, part in target.kinds.items():
            horizons = ", ".join(map(str, target.horizons))
            curves = ", ".join(curve.method + (" shifted" if curve.shift else "") for curve in part.curves)
            how = "none" if part.cells is not None else curves
            lines.append(f"| `{name}` | {horizons} | {_USERS[kind]} | {part.method} | {part.positives:,} | {how} |")
    used = {block for target in model.targets.values() for block in target.blocks}
    reads = [text for block, text in BLOCKS.items() if block in used]
    notes = model.all_notes
    lines += [
        "",
        f"**Reads** {'; '.join(reads) or 'recency and frequency only'}.",
        "",
        "**Probabilities** are calibrated on the last date with known outcomes. `low` and `high` hold a user's own "
        "probability for 90% of the users, from a beta distribution. They say what is likely, not what causes it: "
        "whether contacting a user changes anything, only an experiment shows.",
    ]
    if notes:
        lines += ["", f"**{counted(len(notes), 'note')}**", "", *(f"- {note}" for note in notes)]
    return "\n".join(lines) + "\n"
