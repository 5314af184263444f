"""Models of two layers with random weights, so that real pipelines run in a moment and without a download."""

import string
from pathlib import Path
from typing import Any

WORDS = (
    "this page is about dogs cats and pets travel holidays food cooking an article a product red mug hike soup . , ; "
    "größe schuhe voyage"
)


def tiny_bert(folder: Path, **config: Any) -> Any:
    """Write a tokenizer of a few words and all letters; the configuration of a BERT that goes with it."""
    import torch
    from transformers import BertConfig, BertTokenizerFast

    letters = string.ascii_lowercase + string.digits
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS.split(), *letters, *(f"##{x}" for x in letters)]
    vocabulary = list(dict.fromkeys(words))
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    return BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        initializer_range=1.0, **config,
    )  # fmt: skip
