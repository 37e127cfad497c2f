"""llama.cpp's own server, from the xllamacpp wheel, in a process of its own.

python tests/llama_server.py MODEL.gguf        # prints its base URL, and serves until its stdin is closed
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SLOTS = 2
THREADS = 1  # more wait for one another in so small a model, and for ever on a busy machine


@contextmanager
def llama_server(model: Path) -> Iterator[str]:
    """Serve ``model`` and yield the base URL. The server ends with the block, and with this process however that ends."""
    command = [sys.executable, __file__, str(model)]
    log = model.with_suffix(".log")
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            url = next((line.strip() for line in process.stdout if line.startswith("http")), "")
            assert url, f"the server did not begin: {log.read_text(errors='replace')[-2_000:]}"
            yield url
        finally:
            process.stdin.close()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


def serve(model: str) -> None:
    """Serve ``model`` on a free port until stdin is closed."""
    import xllamacpp  # noqa: PLC0415 -- only the process that serves needs it

    settings = xllamacpp.CommonParams()
    settings.model.path = model
    settings.model_alias = {"tiny"}
    settings.n_parallel = SLOTS
    settings.n_ctx = 4096 * SLOTS
    settings.cpuparams.n_threads = THREADS
    settings.fit_params = False
    server = xllamacpp.Server(settings)
    sys.stdout.write(f"{server.listening_address}/v1\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    serve(sys.argv[1])
