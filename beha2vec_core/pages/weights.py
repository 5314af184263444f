"""Model weights: found on this machine first, else on the Hugging Face hub; only `*.safetensors`, never a pickle."""

import hashlib
from pathlib import Path

# what says which network the weights are of
_DESCRIBED_IN = ("modules.json", "config.json")
_FILES = ["*.json", "*.txt", "*.model", "*.safetensors"]


class ModelUnavailable(RuntimeError):
    """The model is neither installed nor cached nor can it be downloaded; the message names the remedy."""


class TamperedWeights(RuntimeError):
    """The bundled weights are not the ones that were reviewed."""


def find_model(model: str, remedy: str = "give the folder of a downloaded model") -> Path:
    """The folder of a model: a folder of that name, else its snapshot in the local cache, else downloaded.

    Nothing is downloaded with HF_HUB_OFFLINE=1.

    Raises:
        ModelUnavailable: found nowhere; the message ends with ``remedy``.
    """
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return Path(snapshot_download(model, allow_patterns=_FILES))
    except (OSError, HfHubHTTPError, HFValidationError) as problem:
        where = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else "the hub did not answer"
        raise ModelUnavailable(
            f"the model {model!r} is not on this machine ({where}: {type(problem).__name__}); {remedy}"
        ) from problem


def weights_sha256(folder: Path) -> str:
    """The hash of a model's weights.

    Raises:
        ModelUnavailable: the folder has no ``*.safetensors``, or is no model's.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelUnavailable(f"{folder} has no *.safetensors; pickled weights are not loaded, convert the model")
    if not any((folder / name).exists() for name in _DESCRIBED_IN):
        raise ModelUnavailable(
            f"{folder} has weights, but no {' or '.join(_DESCRIBED_IN)}: it is not a model's folder, as "
            "sentence-transformers and transformers save it"
        )
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
