"""How close calls side by side come to the ideal time, against a slow server on this machine.

    python benchmarks/backends.py [--calls 256] [--in-flight 64] [--delay-s 1.0]

The server answers every call after the same delay, so the ideal is the number of rounds times the delay. It runs in a process of its
own: sharing one would measure the two of them. Also printed: what the client itself works per call, and what the cache saves.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from agentwm import build
from agentwm.backends.accounts import Account
from agentwm.backends.layers import layered
from agentwm.backends.protocol import BackendOptions, Message, Request, expect_replies

SERVER = Path(__file__).parent.parent / "tests" / "fault_server.py"


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=256)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--delay-s", type=float, default=1.0)
    arguments = parser.parse_args()
    command = [sys.executable, str(SERVER), "--delay-s", str(arguments.delay_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        try:
            measure(url, arguments.calls, arguments.in_flight, arguments.delay_s)
        finally:
            server.terminate()


def measure(url: str, calls: int, in_flight: int, delay_s: float) -> None:
    """Ask ``calls`` questions of the server at ``url``, twice, and print how long it took."""
    account = Account()
    bare = build.backend("openai").make(BackendOptions("slow", base_url=url, in_flight=in_flight, account=account))
    requests = [Request((Message("user", f"question {number}"),)) for number in range(calls)]
    with tempfile.TemporaryDirectory() as folder:
        backend = layered(bare, account, cache=Path(folder) / "cache.db", cache_mode="write")
        expect_replies(backend.generate([Request((Message("user", "load the SDK"),))]))
        began_s, worked_s = time.perf_counter(), time.process_time()
        expect_replies(backend.generate(requests))
        took_s, worked_s = time.perf_counter() - began_s, time.process_time() - worked_s
        ideal_s = -(-calls // in_flight) * delay_s
        print(
            f"{calls} calls, {in_flight} in flight, {delay_s:g} s each: {took_s:.2f} s, ideal {ideal_s:.2f} s, ratio {took_s / ideal_s:.3f}"
        )
        print(f"the client's own work: {1000 * worked_s / calls:.2f} ms of processor time per call")
        began_s = time.perf_counter()
        expect_replies(backend.generate(requests))
        print(f"the same from the cache: {1000 * (time.perf_counter() - began_s) / calls:.2f} ms per call")
        print(f"account: {account.total.calls} calls, {account.total.cache_hits} cache hits")
        backend.close()


if __name__ == "__main__":
    main()
