"""Plays the same games with a language model asked never, where the rules are silent, and always; says what each cost and won.

    python benchmarks/asking.py --learn 40 --episodes 60 --model openai/NAME --base-url URL

The rules are learned first, without the model, and are the same for all three. The last line says how many times less often ``silent``
asks than ``always``. With ``--stand-in`` no model is needed: what answers takes everything for likely, which shows how often it is asked
and nothing of how well.
"""

import argparse
import json
import tempfile
from pathlib import Path

from agentwm import Report, RunConfig, run
from agentwm.backends.protocol import Request

ASK = ("never", "silent", "always")


def stand_in(_: Request) -> str:
    """Answer that it will most likely work."""
    return json.dumps({"why": "it usually does", "p_success": 0.9, "changes": [], "text": ""})


def main() -> None:
    """Learn once, play three times, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environment", default="alfworld")
    parser.add_argument("--learn", type=int, default=40)
    parser.add_argument("--episodes", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--altered", type=int)
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("--model")
    model.add_argument("--stand-in", action="store_const", dest="model", const=f"scripted/{__name__}:stand_in")
    parser.add_argument("--base-url")
    arguments = parser.parse_args()
    world = {"environment": arguments.environment, "seed": arguments.seed, "altered": arguments.altered}
    asked = {"model": arguments.model, "base_url": arguments.base_url, "learn": 0, "episodes": arguments.episodes}
    print(f"{'ask':<8}{'won':>9}{'steps':>8}{'calls':>8}{'tokens':>10}{'foretold':>10}")
    calls = {}
    with tempfile.TemporaryDirectory() as folder:
        learned = Path(folder) / "learned"
        run(RunConfig.parse({**world, "learn": arguments.learn, "episodes": 0, "out": learned}))
        for ask in ASK:
            report = run(RunConfig.parse({**world, **asked, "ask": ask, "rules": learned, "out": Path(folder) / ask}))
            calls[ask] = report.llm.calls
            print(_line(ask, report))
    if calls["silent"]:
        print(f"silent asks {calls['always'] / calls['silent']:.1f} times less often than always")


def _line(ask: str, report: Report) -> str:
    tokens = report.llm.input_tokens + report.llm.output_tokens
    steps = "-" if report.steps.mean is None else f"{report.steps.mean:.2f}"
    foretold = "-" if report.prediction.accuracy is None else f"{100 * report.prediction.accuracy:.1f} %"
    won = f"{report.success.count}/{report.episodes}"
    return f"{ask:<8}{won:>9}{steps:>8}{report.llm.calls:>8}{tokens:>10}{foretold:>10}"


if __name__ == "__main__":
    main()
