"""`agentwm compare`: the same games for all, differences against sums done by hand, and errors before anything is played."""

import io
import json
import random
import shutil
import statistics as naive
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from agentwm import RuleStore, RunConfig, RunStore, run
from agentwm.compare import compare
from agentwm.errors import ConfigurationError, TaskError
from agentwm.evaluation import EpisodeResult, report_on
from agentwm.evaluation.comparison import Comparison, Contender, comparison_view, entries_of
from agentwm.evaluation.statistics import bootstrap_interval
from agentwm.types import Observation, PlanningBudget, Spent
from agentwm_environments.alfworld.environment import AlfworldEnvironment
from tests.test_cli import agentwm, complaint
from tests.test_experiment import lived

HOPEFUL = "scripted/tests.llm_examples:hopeful"


@pytest.fixture(autouse=True)
def _no_official_games(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALFWORLD_DATA", raising=False)


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run that has learned a little."""
    folder = tmp_path_factory.mktemp("runs") / "learned"
    run(RunConfig(environment="alfworld", learn=2, episodes=0, out=folder))
    return folder


def config(out: Path, **options: Any) -> RunConfig:
    given = {"environment": "alfworld", "episodes": 3, "max_steps": 20, "budget": "model_calls=60", "out": out}
    return RunConfig.parse({**given, **options})


# --- statistics -----------------------------------------------------------------------------------------------------------


def test_the_bootstrap_agrees_with_theory_where_there_is_one() -> None:
    """Of many values, the mean is normal; of wins and losses, the standard error is known."""
    values = [1.0] * 120 + [0.0] * 80
    interval = bootstrap_interval(values, rng=random.Random(0))
    assert interval is not None
    error = (0.6 * 0.4 / 200) ** 0.5
    assert interval == pytest.approx((0.6 - 1.96 * error, 0.6 + 1.96 * error), abs=0.008)


def test_the_bootstrap_is_drawn_from_its_seed_and_says_nothing_of_nothing() -> None:
    values = [3.0, 1.0, 4.0, 1.5, 5.0, 9.25, 2.0, 6.5, 5.125]
    one, again, other = (bootstrap_interval(values, rng=random.Random(seed), draws=500) for seed in (1, 1, 2))
    assert one == again != other
    assert bootstrap_interval([], rng=random.Random(0)) is None
    assert bootstrap_interval([2.0, 2.0], rng=random.Random(0)) == (2.0, 2.0)


# --- differences by hand --------------------------------------------------------------------------------------------------


def result(task: str, *, won: bool, steps: int, error: str | None = None) -> EpisodeResult:
    spent = Spent(decisions=steps, model_calls=4 * steps, llm_calls=steps, tokens=100 * steps, seconds=0.5 * steps)
    return EpisodeResult(task, "kind", "play", won, steps, error, spent=spent)


def contender(name: str, results: Sequence[EpisodeResult]) -> Contender:
    report = report_on(
        results,
        config=RunConfig(environment="alfworld", planner=name, budget="model_calls=9"),
        engine="fast",
        splits=("train", "test"),
        limits=(100, 50),
        rules=(1, 0),
        wall_s=1.0,
        run=name,
    )
    return Contender(name, "planner", None, None, None, (), report, results)


FIRST = [
    result("a", won=True, steps=10),
    result("b", won=True, steps=20),
    result("c", won=False, steps=50),
    result("d", won=True, steps=5),
]
SECOND = [
    result("a", won=True, steps=14),
    result("b", won=False, steps=50),
    result("c", won=True, steps=30),
    result("d", won=False, steps=3, error="the engine died"),
]


def test_differences_are_game_by_game_and_steps_over_those_that_both_won() -> None:
    [first, second] = entries_of([contender("mpc", FIRST), contender("veto", SECOND)], seed=0)
    assert first.success_difference is first.steps_difference is None
    assert second.success_difference is not None
    assert (second.success_difference.mean, second.success_difference.n) == (0.0, 3), "one lost, one won, one the same"
    low, high = second.success_difference.ci95 or (0, 0)
    assert low < 0 < high
    assert second.steps_difference is not None
    assert (second.steps_difference.mean, second.steps_difference.n) == (4.0, 1)


def test_errors_are_counted_apart() -> None:
    [first, second] = entries_of([contender("mpc", FIRST), contender("veto", SECOND)], seed=0)
    assert (first.episodes, first.success.count, first.errors) == (4, 3, [])
    assert (second.episodes, second.success.count) == (3, 2)
    assert second.success.rate == pytest.approx(2 / 3)
    assert second.steps.mean == naive.mean((14, 30))
    assert second.errors == ["d: the engine died"]


def test_what_a_decision_took_is_an_average() -> None:
    [first, _] = entries_of([contender("mpc", FIRST), contender("veto", SECOND)], seed=0)
    assert first.planning.decisions == 85
    assert first.per_decision is not None
    assert first.per_decision.model_dump() == {"model_calls": 4, "llm_calls": 1, "tokens": 100, "seconds": 0.5}


def test_where_nothing_was_decided_or_won_there_is_no_figure() -> None:
    lost = [result("a", won=False, steps=0), result("b", won=False, steps=0)]
    [first, second] = entries_of([contender("mpc", lost), contender("veto", lost)], seed=0)
    assert first.per_decision is None
    assert second.steps_difference is not None
    assert (second.steps_difference.mean, second.steps_difference.ci95, second.steps_difference.n) == (None, None, 0)


# --- played ---------------------------------------------------------------------------------------------------------------


def untimed(comparison: Comparison) -> dict[str, Any]:
    data = comparison.model_dump(exclude={"wall_s", "folder"})
    for entry in data["entries"]:
        for name in ("run", "per_decision"):
            del entry[name]
        del entry["planning"]["seconds"]
    return data


def test_all_play_the_same_games_by_the_rules_learned_once_and_within_the_same_budget(tmp_path: Path) -> None:
    out = tmp_path / "all"
    comparison = compare(["agentwm", "reactive", "best-of-n"], config(out, learn=2))
    assert [(each.name, each.kind, each.planner) for each in comparison.entries] == [
        ("agentwm", "preset", "mpc"),
        ("reactive", "planner", "reactive"),
        ("best-of-n", "planner", "best-of-n"),
    ]
    assert comparison.learned_from is not None
    assert comparison.learned_from.episodes == 2
    assert comparison.rules.active == len(RuleStore.load(out / "rules").rules) > 0
    tasks = []
    for entry in comparison.entries:
        assert entry.planning.budget == comparison.budget == "model_calls=60"
        assert entry.episodes == comparison.games == 3
        assert RuleStore.load(Path(entry.run)) == RuleStore.load(out / "rules")
        with RunStore.open(Path(entry.run)) as store:
            episodes = store.episodes()
        tasks.append([(each.task, each.phase) for each in episodes])
        assert all(each.spent.model_calls <= 60 * each.spent.decisions for each in episodes)
    assert tasks[0] == tasks[1] == tasks[2]
    assert len(set(tasks[0])) == 3
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison
    again = compare(["agentwm", "reactive", "best-of-n"], config(tmp_path / "again", learn=2))
    assert untimed(again) == untimed(comparison)


def test_a_comparison_goes_on_where_it_was(rules: Path, tmp_path: Path) -> None:
    names = ["mpc", "reactive"]
    calm = compare(names, config(tmp_path / "calm", rules=rules))
    out = tmp_path / "cut"
    run(config(out / "mpc", planner="mpc", learn=0, rules=rules))
    written = (out / "mpc" / "run.db").read_bytes()
    assert untimed(compare(names, config(out, rules=rules))) == untimed(calm)
    assert (out / "mpc" / "run.db").read_bytes() == written, "what is finished is not played again"
    with pytest.raises(ConfigurationError, match="was begun with budget model_calls=60, not model_calls=7"):
        compare(names, config(out, rules=rules, budget="model_calls=7"))


def test_presets_that_ask_a_model_are_recorded_each_and_replayed_the_same(rules: Path, tmp_path: Path) -> None:
    names = ["agentwm", "walle", "rap"]
    options = {"rules": rules, "episodes": 1, "max_steps": 5, "budget": "llm_calls=4", "model": HOPEFUL}
    live = compare(names, config(tmp_path / "live", record=tmp_path / "said", **options))
    assert {path.name for path in (tmp_path / "said").iterdir()} == {"walle.jsonl", "rap.jsonl"}
    assert [each.llm.calls > 0 for each in live.entries] == [False, True, True]
    assert all(each.planning.llm_calls <= 4 * each.planning.decisions for each in live.entries)
    assert PlanningBudget.parse(live.entries[2].planning.budget or "") == PlanningBudget(llm_calls=4, depth=5)
    del options["model"]
    replayed = compare(names, config(tmp_path / "replayed", replay=tmp_path / "said", **options))
    for one, other in zip(live.entries, replayed.entries, strict=True):
        assert (one.success, one.planning.llm_calls, one.llm.calls) == (
            other.success,
            other.planning.llm_calls,
            other.llm.calls,
        )
        assert lived(Path(one.run)) == lived(Path(other.run))


def test_a_game_that_breaks_down_is_named_and_is_nobodys_loss(
    rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reset = AlfworldEnvironment.reset

    def failing(self: AlfworldEnvironment, task: str, *, seed: int = 0) -> Observation:
        if "000001" in task:
            raise TaskError("the file is corrupt")
        return reset(self, task, seed=seed)

    monkeypatch.setattr(AlfworldEnvironment, "reset", failing)
    comparison = compare(["mpc", "veto"], config(tmp_path / "all", rules=rules))
    for entry in comparison.entries:
        assert entry.episodes == 2
        assert [error.partition(": ")[2] for error in entry.errors] == ["the file is corrupt"]
    page = shown(comparison)
    assert "mpc could not play: " in page
    assert page.count("the file is corrupt") == 2


# --- what cannot be -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["mpc", "walle"], {}, "the preset walle asks a language model to propose: name one with --model"),
        (["mpc"], {}, "two presets or planners to compare, or more, each once, got mpc"),
        (["mpc", "mpc"], {}, "each once"),
        (["mpc", "mcst"], {}, "unknown preset or planner 'mcst'.* Did you mean mcts"),
        (["mpc", "veto"], {"budget": None}, "expected a budget that every decision is held to"),
        (["mpc", "veto"], {"model": HOPEFUL}, "none of mpc, veto asks a language model"),
        (["mpc", "walle"], {"model": "opnai/gpt"}, "unknown backend 'opnai'"),
        (["mpc", "walle"], {"replay": "nowhere.jsonl"}, "nowhere"),
        (["mpc", "veto"], {"split": "train"}, "tasks to play would also be learned from"),
        (["mpc", "veto"], {"rules": "somewhere", "learn": 3}, "drop --rules or --learn"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_played(
    names: list[str], options: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception, match=message):
        compare(names, config(tmp_path / "all", **{"learn": None if options.get("rules") else 1, **options}))
    assert not (tmp_path / "all").exists()


# --- as it is shown -------------------------------------------------------------------------------------------------------


def shown(comparison: Comparison) -> str:
    console = Console(width=110, file=io.StringIO(), color_system=None)
    console.print(comparison_view(comparison))
    page: str = console.file.getvalue()  # type: ignore[attr-defined]
    return page


def test_the_command_prints_two_tables_or_one_object(rules: Path, tmp_path: Path) -> None:
    options = ["--environment", "alfworld", "--rules", str(rules), "--episodes", "2", "--budget", "model_calls=60"]
    done = agentwm("compare", "agentwm", "veto", *options, "--out", "all", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for expected in ("each decision held to model_calls=60", "success, points", "steps, both won", "model calls"):
        assert expected in done.stdout
    assert "differences are to agentwm, game by game" in done.stdout
    assert "best" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 120
    again = agentwm("compare", "agentwm", "veto", *options, "--out", "all", "--json", cwd=tmp_path)
    comparison = Comparison.model_validate(json.loads(again.stdout))
    assert [each.name for each in comparison.entries] == ["agentwm", "veto"]
    refused = agentwm("compare", "agentwm", "walle", *options, cwd=tmp_path)
    assert "name one with --model" in complaint(refused)
    shutil.rmtree(tmp_path / "all")
    assert not list(tmp_path.iterdir()), "what was refused has left nothing"


def test_what_planning_took_stands_on_the_page_of_a_run(rules: Path, tmp_path: Path) -> None:
    options = ["--learn", "0", "--rules", str(rules), "--episodes", "2", "--planner", "best-of-n", "--budget", "40"]
    done = agentwm("run", "alfworld", *options, "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with RunStore.open(tmp_path / "run") as store:
        spent = sum((each.spent for each in store.completed("play")), Spent())
    page = " ".join(done.stdout.split())
    ahead = spent.decisions - spent.one_step
    assert f"best-of-n looked ahead in {ahead} of {spent.decisions} decisions, each held to model_calls=40" in page
    assert f"{spent.model_calls:,} model calls" in page
