"""Plays the same games with a language model asked never, where the rules are silent, and always; says what each cost and won.

    python benchmarks/asking.py --learn 40 --episodes 60 --model openai/NAME --base-url URL [--record FOLDER]
    python benchmarks/asking.py --learn 40 --episodes 60 --replay FOLDER

The rules are learned first, without the model, and are the same for all three. The last line says how many times less often ``silent``
asks than ``always``, and what was won by it. A recording holds what a model said to the questions of these very games, and is replayed with
the same numbers of them. With ``--stand-in`` no model is needed: what answers takes everything for likely, which shows how often it is
asked and nothing of how well.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

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
    model.add_argument("--replay", type=Path, metavar="FOLDER", help="take all answers from recordings")
    parser.add_argument("--base-url")
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="record what it says")
    parser.add_argument("--said-by", help="who the recordings are to name as having answered")
    arguments = parser.parse_args()
    world = {"environment": arguments.environment, "seed": arguments.seed, "altered": arguments.altered}
    print(f"{'ask':<8}{'won':>9}{'steps':>8}{'calls':>8}{'tokens':>10}{'foretold':>10}")
    reports = {}
    with tempfile.TemporaryDirectory() as folder:
        learned = Path(folder) / "learned"
        run(RunConfig.parse({**world, "learn": arguments.learn, "episodes": 0, "out": learned}))
        for ask in ASK:
            played = {"learn": 0, "episodes": arguments.episodes, "rules": learned, "out": Path(folder) / ask}
            reports[ask] = run(RunConfig.parse({**world, **played, **_asked(ask, arguments)}))
            print(_line(ask, reports[ask]))
    print(_comparison(reports["silent"], reports["always"]))


def _asked(ask: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options about the model; where it is never asked, that there is none."""
    if ask == "never":
        return {}
    if arguments.replay is not None:
        return {"ask": ask, "replay": arguments.replay / f"{ask}.jsonl"}
    live = {"ask": ask, "model": arguments.model, "base_url": arguments.base_url}
    if arguments.record is None:
        return live
    return {**live, "record": arguments.record / f"{ask}.jsonl", "said_by": arguments.said_by}


def _line(ask: str, report: Report) -> str:
    tokens = report.llm.input_tokens + report.llm.output_tokens
    steps = "-" if report.steps.mean is None else f"{report.steps.mean:.2f}"
    foretold = "-" if report.prediction.accuracy is None else f"{100 * report.prediction.accuracy:.1f} %"
    won = f"{report.success.count}/{report.episodes}"
    return f"{ask:<8}{won:>9}{steps:>8}{report.llm.calls:>8}{tokens:>10}{foretold:>10}"


def _comparison(silent: Report, always: Report) -> str:
    won = f"and wins {silent.success.count} of the games against {always.success.count}"
    if not silent.llm.calls:
        return f"silent asks nothing, always {always.llm.calls} times, {won}"
    return f"silent asks {always.llm.calls / silent.llm.calls:.1f} times less often than always, {won}"


if __name__ == "__main__":
    main()
