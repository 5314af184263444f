"""Runs under the python of CoLES's own virtual environment, never in ours: fits and encodes as `coles.py` asks.

One request a line on standard input, one answer a line on standard output, both JSON:
``{"do": "fit", "events": parquet, "model": folder, "seed": n}`` or
``{"do": "encode", "events": parquet, "model": folder, "vectors": npy}``; the answer is ``{}`` or ``{"error": text}``.
Events come in order of user, then time; vectors go out in the order of the users. A model is ``vocabulary.json`` and
``model.safetensors``.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as lightning
import torch
from ptls.data_load.utils import collate_feature_dict
from ptls.frames.coles import ColesDataset, CoLESModule
from ptls.frames.coles.losses import SoftmaxLoss
from ptls.frames.coles.split_strategy import SampleSlices
from ptls.nn import RnnSeqEncoder, TrxEncoder
from safetensors.torch import load_file, save_file

DIM = 64
EPOCHS = 15
BATCH = 64
RATE = 3e-3
LONGEST = 512
SLICES = SampleSlices(split_count=5, cnt_min=2, cnt_max=64)
# size of each text field's embedding; ids are 1 for a value unknown or missing, then by frequency
FIELDS = {"event_name": 8, "page": 32}
FIRST_KNOWN = 2
MAX_VALUES = 2000

Vocabulary = dict[str, dict[str, int]]
User = dict[str, torch.Tensor]


def learn_vocabulary(events: pd.DataFrame) -> Vocabulary:
    """The most frequent values of each field, equal ones in order of the text."""
    found = {}
    for name in FIELDS:
        counts = events[name].dropna().value_counts()
        ranked = sorted(zip((-counts).tolist(), counts.index.tolist(), strict=True))[:MAX_VALUES]
        found[name] = {value: FIRST_KNOWN + place for place, (_, value) in enumerate(ranked)}
    return found


def read_users(events: pd.DataFrame, vocabulary: Vocabulary) -> list[User]:
    """The features of each user's last events; the gap is seconds since the event before."""
    columns = {
        name: events[name].map(places).fillna(FIRST_KNOWN - 1).to_numpy(dtype=np.int64)
        for name, places in vocabulary.items()
    }
    columns["event_time"] = events["event_timestamp"].to_numpy(dtype=np.int64) // 1_000_000
    gap = events.groupby("user_key")["event_timestamp"].diff().fillna(0)
    columns["gap"] = (gap / 1e6).to_numpy(dtype=np.float32)
    starts = np.flatnonzero(events["user_key"].ne(events["user_key"].shift()).to_numpy())
    ends = np.append(starts[1:], len(events))
    return [
        {name: torch.from_numpy(column[max(start, end - LONGEST) : end]) for name, column in columns.items()}
        for start, end in zip(starts, ends, strict=True)
    ]


def build_module(vocabulary: Vocabulary) -> Any:
    """GRU-64 over embeddings and log gap, softmax loss on slices."""
    trx = TrxEncoder(
        embeddings={n: {"in": FIRST_KNOWN + len(vocabulary[n]), "out": size} for n, size in FIELDS.items()},
        numeric_values={"gap": "log"},
        use_batch_norm_with_lens=True,
    )
    return CoLESModule(
        seq_encoder=RnnSeqEncoder(trx_encoder=trx, hidden_size=DIM, type="gru"),
        loss=SoftmaxLoss(),
        optimizer_partial=partial(torch.optim.Adam, lr=RATE),
        lr_scheduler_partial=partial(torch.optim.lr_scheduler.StepLR, step_size=EPOCHS),
    )


def fit(events: pd.DataFrame, model: Path, seed: int) -> None:
    """Train on users of two events or more; write the model."""
    lightning.seed_everything(seed, verbose=False)
    vocabulary = learn_vocabulary(events)
    users = [user for user in read_users(events, vocabulary) if len(user["gap"]) > 1]
    module = build_module(vocabulary)
    loader = torch.utils.data.DataLoader(
        ColesDataset(users, SLICES), batch_size=BATCH, shuffle=True, collate_fn=ColesDataset.collate_fn
    )
    trainer = lightning.Trainer(
        max_epochs=EPOCHS, accelerator="cpu", deterministic=True, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, loader)
    model.mkdir(parents=True, exist_ok=True)
    (model / "vocabulary.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    save_file(module.seq_encoder.state_dict(), model / "model.safetensors")


@torch.no_grad()
def encode(events: pd.DataFrame, model: Path, vectors: Path) -> None:
    """Write the vectors of all users, float32 [users, DIM]."""
    vocabulary = json.loads((model / "vocabulary.json").read_text("utf-8"))
    encoder = build_module(vocabulary).seq_encoder
    encoder.load_state_dict(load_file(model / "model.safetensors"))
    encoder.eval()
    users = read_users(events, vocabulary)
    found = np.empty((len(users), DIM), dtype=np.float32)
    by_length = sorted(range(len(users)), key=lambda place: len(users[place]["gap"]))
    for start in range(0, len(users), BATCH):
        places = by_length[start : start + BATCH]
        found[places] = encoder(collate_feature_dict([users[place] for place in places])).numpy()
    np.save(vectors, found)


def answer(request: dict[str, Any]) -> None:
    """Do what is asked."""
    events, model = pd.read_parquet(request["events"]), Path(request["model"])
    if request["do"] == "fit":
        fit(events, model, int(request["seed"]))
    else:
        encode(events, model, Path(request["vectors"]))


def main() -> None:
    """Answer until the input ends. Whatever libraries print goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    torch.set_num_threads(1)
    for line in sys.stdin:
        try:
            answer(json.loads(line))
            said: dict[str, str] = {}
        except Exception:
            said = {"error": traceback.format_exc()}
        print(json.dumps(said), file=answers, flush=True)


if __name__ == "__main__":
    main()
