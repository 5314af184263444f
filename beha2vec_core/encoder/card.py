"""The model card: a README.md in Hugging Face's form beside a saved encoder, for people; loading never reads it.

It describes the data by counts and dates. Names of pages, events and users stay out: they come from outside, and a card
is made to be passed on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import yaml
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from beha2vec_core.encoder.curve import EpochMetrics, best_row
from beha2vec_core.files import replacing

if TYPE_CHECKING:
    from beha2vec_core.encoder.encoder import BehaviorEncoder

NAME = "README.md"
# between them stands what `write_evaluation` renews; the rest is the owner's to edit
BEGIN, END = "<!-- evaluation -->", "<!-- end of evaluation -->"
# of the rows of `beha2vec.encoder_evaluation` that judge the behavior vector and what is said to come next
METHOD = "encoder"
NOT_JUDGED = "Not evaluated yet. The asset `encoder_evaluation` writes its metrics here."

FIELDS = {
    "page": "page of the event",
    "template": "path of the page, ids replaced by `#`",
    "word": "words of the path",
    "event_name": "name of the event",
}
# fields without a vocabulary, by their name among the config's token fields: what each is, how it is known
OTHERS = {
    "gap": ("time since the event before", "by size"),
    "session_position": ("place in the session", "by size"),
    "recency": ("time from the last event to the moment asked about", "by size"),
    "title": ("title and path of a known page", "by a sentence model's vector"),
}
OBJECTIVES = {
    "next_event": "at every event, the next page viewed, the next event and the time until it",
    "content": "one part of a history predicts the content of the other",
    "future": "at every moment, which actions come within the horizon",
    "contrastive": "two parts of one user's history match, among other users'",
    "triplet": "two parts of one user's history lie closer than another user's",
    "masked": "hidden events, from what lies around them",
}


class CardError(ValueError):
    """A card that can no longer be read."""


def model_card(encoder: BehaviorEncoder) -> ModelCard:
    """The card of an encoder, not judged yet."""
    data = ModelCardData(
        library_name="beha2vec",
        pipeline_tag="feature-extraction",
        tags=["beha2vec", "user-embeddings", "web-analytics", "ga4", "self-supervised"],
        model_name=_model_name(encoder),
    )
    parts = [
        _about(encoder),
        _inputs(encoder),
        _outputs(encoder),
        _architecture(encoder),
        _training(encoder),
        _use(encoder),
        _limitations(encoder),
        "## Licence\n\nNone is given: it is yours to add, here and as `license` in the head of this file.",
        f"## Evaluation\n\n{BEGIN}\n{NOT_JUDGED}\n{END}",
    ]
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n" + "\n\n".join(parts) + "\n")


def write_evaluation(encoder: BehaviorEncoder, folder: Path, rows: Sequence[Mapping[str, Any]]) -> ModelCard:
    """Renew the evaluation in the card of a saved encoder, and its ``model-index``; what else was edited stays.

    ``rows`` are those of ``beha2vec.encoder_evaluation`` about this encoder. A card that is not there is made.

    Raises CardError where the card's head is no longer YAML.
    """
    path = folder / NAME
    try:
        card = ModelCard.load(path) if path.is_file() else model_card(encoder)
    except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise CardError(
            f"the head of {path} can no longer be read: fix it or delete the file, then evaluate"
        ) from error
    data = cast(ModelCardData, card.data)
    data.model_name, data.eval_results = _model_name(encoder), _eval_results(rows) or None
    card.text = _with_section(card.text, _evaluation(rows) if rows else NOT_JUDGED)
    with replacing(path) as temporary:
        temporary.write_text(str(card), encoding="utf-8")
    return card


def _model_name(encoder: BehaviorEncoder) -> str:
    return f"beha2vec-{encoder.model_version}"


def _about(encoder: BehaviorEncoder) -> str:
    window = encoder.data_window
    return f"""# Beha2Vec encoder `{encoder.model_version}`

A transformer that turns what a user of a website did, event by event, into vectors. It was trained without labels on
{window["events"]:,} events of {window["users"]:,} users between {_day(window["first_event"])} and
{_day(window["last_event"])} (UTC)."""


def _inputs(encoder: BehaviorEncoder) -> str:
    vocabularies, config = encoder.fields.vocabularies, encoder.config
    rows: list[tuple[Any, ...]] = []
    for name in encoder.fields.sizes:
        known = f"{len(vocabularies[name].values):,}" if name in vocabularies else "by size"
        rows.append((_column(name), _meaning(name), known))
    rows += [(_column(name), *OTHERS[name]) for name in config.token_fields if name in OTHERS]
    return f"""## Inputs

A table, one row an event: `user_key`, `event_timestamp` (microseconds UTC), `event_name`, `page`\
{"".join(f", {_column(name)}" for name in (*encoder.fields.text_columns, *encoder.fields.numbers))}. Of a user the last
{config.max_length} events count. Each is read as these fields:

{_table(("field", "what", "known values"), rows)}

A value not known falls into one of {config.hash_buckets} hash buckets of its field."""


def _outputs(encoder: BehaviorEncoder) -> str:
    lines = [
        f"- `behavior`, {encoder.config.dim} numbers of length 1: what a user does. For clusters and propensity.",
        f"- `identity`, {encoder.config.dim} numbers of length 1: who a user is like. For look-alikes.",
        f"- `low_evidence`: the user has fewer than {encoder.config.min_events} events: do not rely on the vectors.",
    ]
    if encoder.next_steps:
        lines.append("- The most likely next pages and next events of a user, with probabilities (`predict_next`).")
    return "## Outputs\n\n" + "\n".join(lines)


def _architecture(encoder: BehaviorEncoder) -> str:
    config = encoder.config
    parameters = sum(weight.numel() for weight in encoder.network.parameters())
    rows = [
        ("width", config.dim),
        ("blocks", config.layers),
        ("attention heads in each", config.heads),
        ("feed-forward width", config.feed_forward * config.dim),
        ("longest sequence", config.max_length),
        ("pooling", config.pooling),
        ("parameters", f"{parameters:,}"),
    ]
    return f"""## Architecture

A causal pre-norm transformer with rotary positions over the sum of the fields' embeddings. Its vectors are centered and
whitened by the spread within users.

{_table(("size", "value"), rows)}"""


def _training(encoder: BehaviorEncoder) -> str:
    train, curve = encoder.train_config, encoder.training_curve
    weights = [(name, weight, OBJECTIVES[name]) for name, weight in train.objectives.items() if weight > 0]
    text = f"""## Training

The loss is the weighted sum of these:

{_table(("objective", "weight", "what is predicted"), weights)}

AdamW, learning rate {train.learning_rate:g}, seed {train.seed}. `config.json` has all settings."""
    return f"{text} {_curve(curve, train.epochs)}" if curve else text


def _curve(curve: list[EpochMetrics], at_most: int) -> str:
    best = best_row(curve)
    shown = {row["epoch"]: row for row in (curve[0], best, curve[-1])}
    rows = [(f"{row['epoch']:.0f}", row["loss"], row.get("held_out_loss")) for row in shown.values()]
    return f"""It ran {len(curve)} epochs of {at_most} at most; the
weights are those of epoch {best["epoch"]:.0f}. `metrics.json` has the whole curve. Held out, in the table, are the
newest events.

{_table(("epoch", "loss", "held-out loss"), rows)}"""


def _use(encoder: BehaviorEncoder) -> str:
    following = "\nnext_pages = encoder.predict_next(events, k=10)" if encoder.next_steps else ""
    return f"""## How to use it

```python
from beha2vec_core import BehaviorEncoder

encoder = BehaviorEncoder.load("this/folder")
vectors = encoder.encode(events)  # user_key, as_of, n_events, low_evidence, behavior, identity{following}
```

Loading runs no code of this folder: it holds JSON and safetensors."""


def _limitations(encoder: BehaviorEncoder) -> str:
    train = encoder.train_config
    weighed = ", and on them was set how far `predict_next` trusts the network" if encoder.next_steps else ""
    return f"""## Limitations

- It knows one site, in the span of time above. Pages and events that came later are known by their path and words, or
  not at all; a rebuilt site needs a newly trained encoder.
- It sees what was recorded: no other devices, no users who refused consent, nothing between events.
- {train.held_out:.0%} of the users, by a hash of their key, never counted in training, so that the encoder can be
  judged on them; its vocabulary, center and whitening were made of all{weighed}.
  Of the others' events the newest {train.held_out_time:.0%} only said when to stop, where there were enough of them.
- Vectors say what is likely, not why, and inherit every slant of the data. Do not decide about single people by them.
- Privacy: this card names no user, page or event, but `vocabulary.json` holds pages and event names as they were
  recorded, and the other files what was learned of them. A user's vectors are data about that user: keep and delete
  them as you do the events."""


def _eval_results(rows: Iterable[Mapping[str, Any]]) -> list[EvalResult]:
    return [
        EvalResult(
            task_type=str(row["task"]).replace(" ", "-"),
            task_name=str(row["task"]),
            dataset_type="ga4",
            dataset_name="own users, held out of training",
            metric_type=str(row["metric"]),
            metric_name=str(row["metric"]),
            metric_value=float(row["value"]),
        )
        for row in rows
        if row["method"] == METHOD and math.isfinite(row["value"])
    ]


def _evaluation(rows: Sequence[Mapping[str, Any]]) -> str:
    """A row a figure, a column a method."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    figures: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        figures.setdefault((row["task"], row["metric"]), {})[row["method"]] = row
    cells = [
        (*figure, *(of.get(method, {}).get("value") for method in methods), gain(of.get(METHOD)))
        for figure, of in figures.items()
    ]
    judged, until = rows[0]["judged"], rows[0]["data_until"]
    return f"""Evaluated on {judged:,} users that training never saw, with data until {until:%Y-%m-%d}. `champion`
is the encoder that was in use then, if any; the other methods are simple baselines, fitted on the other users.
`docs/evaluation.md` of Beha2Vec says what each metric means.

{_table(("task", "metric", *methods, "gain over the best baseline [95%]"), cells)}"""


def gain(row: Mapping[str, Any] | None) -> str | None:
    """What a row of the evaluation gains on the best floor, with its interval: +0.012 [+0.003, +0.021]."""
    if row is None or row["less_best_floor"] is None:
        return None
    return f"{row['less_best_floor']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"


def _with_section(text: str, section: str) -> str:
    """The text with what stands between the marks replaced, or both added at its end."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if begin and end:
        return f"{before}{BEGIN}\n{section}\n{END}{after}"
    return f"{text.rstrip()}\n\n## Evaluation\n\n{BEGIN}\n{section}\n{END}\n"


def _meaning(field: str) -> str:
    if field.startswith("path_"):
        return f"path of the page, up to level {field.removeprefix('path_')}"
    return FIELDS.get(field, "column of the table")


def _table(names: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    lines = [[*names], *([_cell(value) for value in row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _column(name: str) -> str:
    """A column's name without anything that Markdown would act on: columns are called what their owner likes."""
    return "`" + re.sub(r"[^\w .:-]", " ", name) + "`"


def _day(microseconds: int) -> str:
    """No datetime, which ends with the year 9999."""
    return str(np.datetime64(microseconds, "us").astype("datetime64[D]"))
