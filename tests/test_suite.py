"""`agentwm eval suite`: rows are played, missing or failed; what is asked is judged right; and a suite that was cut off goes on."""

import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from agentwm import build
from agentwm.cli import main
from agentwm.configuration import RunConfig
from agentwm.errors import ConfigurationError, EnvironmentFailureError, TaskError
from agentwm.evaluation import EpisodeResult, ProgressEvent, Report, report_on
from agentwm.records import RunStore
from agentwm.session import Progress
from agentwm.suite import SuiteOptions, SuiteReport, play_suite
from agentwm.suite.cells import HEADS
from agentwm.suite.display import suite_view
from agentwm.suite.plots import row_plot
from agentwm.suite.report import Lived, row_played
from agentwm.suite.run import JSON, MARKDOWN, PAGE, chosen_rows
from agentwm.suite.verdicts import Verdict, beside, is_all_reached, return_share, verdicts
from agentwm.types import (
    Action,
    Asked,
    Brief,
    EnvironmentOptions,
    EnvironmentSpec,
    Observation,
    Reference,
    SuiteRow,
    SuiteSpec,
)
from agentwm_environments.small import gamble
from agentwm_environments.suite import SPEC as WORLDS

DOORS = SuiteRow(
    "doors",
    "gamble",
    40,
    group="Chance | choice",  # a sign that a table must not take for its own
    asked=Asked(won=0.9, return_share=0.98),
    brief=Brief(learn=4, episodes=3),
    with_random=True,
    published=("a careful person: 1 <always>",),
)
LEVELS = SuiteRow(
    "levels", "sokoban", 40, asked=Asked(won=0.9, step_ratio=2.0), max_steps=30, brief=Brief(learn=1, episodes=2)
)
SUITE = SuiteSpec("tiny", "two small worlds", (DOORS, LEVELS))
QUICK = SuiteOptions(quick=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a suite that was played."""
    path = tmp_path_factory.mktemp("suites") / "whole"
    play_suite(SUITE, QUICK, path)
    return path


def report_in(folder: Path) -> SuiteReport:
    return SuiteReport.model_validate_json((folder / JSON).read_text("utf-8"))


def specs(monkeypatch: pytest.MonkeyPatch, **changed: EnvironmentSpec | Exception) -> None:
    """Have `build.environment` return, or raise, what is given for a name."""
    known = build.environment

    def environment(name: str) -> EnvironmentSpec:
        found = changed.get(name)
        if isinstance(found, Exception):
            raise found
        return known(name) if found is None else found

    monkeypatch.setattr(build, "environment", environment)


# --- what is asked, by hand -----------------------------------------------------------------------------------------------


def result(
    task: str, steps: int, *, won: bool = True, returned: float = 0.0, error: str | None = None
) -> EpisodeResult:
    return EpisodeResult(task, "kind", "play", won, steps, error, returned=returned)


def judged(asked: Asked, results: Sequence[EpisodeResult], **references: Reference) -> list[Verdict]:
    return verdicts(asked, results, beside(results, references))


def test_a_share_of_wins_is_reached_at_the_very_share() -> None:
    results = [result(str(n), 5, won=n < 49) for n in range(50)]
    [at] = judged(Asked(won=0.98), results)
    [above] = judged(Asked(won=0.99), results)
    assert (at.found, at.is_reached, above.is_reached) == (0.98, True, False)


def test_an_episode_in_error_is_not_won() -> None:
    [found] = judged(Asked(won=0.9), [result("a", 5), result("b", 5, won=False, error="it died")])
    assert (found.found, found.is_reached) == (0.5, False)


def test_steps_are_held_against_the_reference_of_the_same_task_over_tasks_won() -> None:
    results = [result("a", 10), result("b", 30), result("c", 90, won=False), result("d", 7)]
    references = {name: Reference("walker", steps=10) for name in "abc"}
    [found] = judged(Asked(step_ratio=2.0), results, **references)
    assert (found.found, found.is_reached) == (2.0, True), "1 and 3; c was not won, d has no reference"
    [closer] = judged(Asked(step_ratio=1.9), results, **references)
    assert closer.is_reached is False


def test_what_nothing_was_found_for_is_not_known() -> None:
    [found] = judged(Asked(step_ratio=2.0), [result("a", 10, won=False)], a=Reference("walker", steps=10))
    assert (found.found, found.is_reached) == (None, None)
    assert is_all_reached([found]) is None
    assert is_all_reached([]) is None


def test_one_thing_that_is_not_reached_is_enough() -> None:
    yes, no = (Verdict(what="won", asked=0.5, found=share, is_reached=share > 0.5) for share in (0.6, 0.4))
    unknown = Verdict(what="won", asked=0.5, found=None, is_reached=None)
    assert is_all_reached([yes, yes]) is True
    assert is_all_reached([yes, unknown]) is None
    assert is_all_reached([yes, unknown, no]) is False


@pytest.mark.parametrize(
    ("own", "best", "share"),
    [(0.98, 1, 0.98), (1, 1, 1), (-13.26, -13, 0.98), (-26, -13, 0), (8, 10, 0.8), (0, 0, 1), (-1, 0, 0)],
)
def test_the_share_of_a_return_is_a_loss_in_units_of_its_size(own: float, best: float, share: float) -> None:
    assert return_share(own, best) == pytest.approx(share)


@pytest.mark.parametrize(("own", "is_reached"), [(-13.26, True), (-13.27, False), (-12.0, True)])
def test_98_per_cent_of_a_negative_return_is_a_loss_of_2(own: float, is_reached: bool) -> None:  # noqa: FBT001 -- a row of the table
    best = Reference("best policy", reward=-13)
    [found] = judged(Asked(return_share=0.98), [result("a", 13, returned=own)], a=best)
    assert found.is_reached is is_reached


def test_returns_are_held_against_the_reference_on_the_same_tasks() -> None:
    results = [result("a", 1, returned=1), result("b", 1, returned=0), result("c", 1, returned=-50)]
    results.append(result("d", 1, returned=-99, error="it died"))
    references = {"a": Reference("best", reward=1, expected=0.7), "b": Reference("best", reward=1, expected=0.7)}
    found = beside(results, references | {"d": Reference("best", reward=1, expected=0.7)})
    assert found is not None
    assert (found.own_return, found.mean_return, found.expected_return, found.return_tasks) == (0.5, 1.0, 0.7, 2)


# --- played ---------------------------------------------------------------------------------------------------------------


def test_a_row_holds_what_its_run_holds(folder: Path) -> None:
    doors, levels = report_in(folder).rows
    assert doors.figures is not None
    assert levels.figures is not None
    assert (doors.figures.episodes, levels.figures.episodes) == (3, 2)
    assert (doors.figures.learned_from.episodes, levels.figures.learned_from.episodes) == (4, 1)
    assert (doors.figures.attempts_per_task, doors.figures.seed, levels.figures.max_steps) == (1, 0, 30)
    with RunStore.open(folder / "runs" / "doors") as records:
        kept = Report.model_validate_json(records.report or "")
    assert (kept.success, kept.steps, kept.learned_from) == (
        doors.figures.success,
        doors.figures.steps,
        doors.figures.learned_from,
    )
    assert doors.figures.reference is not None
    assert doors.figures.reference.mean_return == gamble.OPTIMAL_RETURN
    assert doors.figures.random is not None
    assert levels.figures.random is None
    assert doors.is_reached is (doors.figures.success.count == 3 and doors.figures.returns.mean == 1.0)


def test_the_json_comes_back_and_keeps_its_keys(folder: Path) -> None:
    data = json.loads((folder / JSON).read_text("utf-8"))
    assert set(data) == {"format", "summary", "begun", "version", "rows", "wall_s"}
    assert set(data["begun"]) == {"suite", "rows", "quick", "seed", "episodes"}
    names = {"name", "group", "environment", "state", "note", "asked", "is_reached", "figures", "published"}
    assert all(set(row) == names for row in data["rows"])
    assert report_in(folder).model_dump(mode="json") == data


def test_the_markdown_is_one_table_with_a_line_for_each_row(folder: Path) -> None:
    text = (folder / MARKDOWN).read_text("utf-8")
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 2
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table]
    assert {len(line) for line in cells} == {len(HEADS)}
    assert [cell.strip() for cell in cells[0]] == list(HEADS)
    assert all(re.fullmatch(r" -{3}:? ", cell) for cell in cells[1])
    assert [line[0].strip() for line in cells[2:]] == ["doors", "levels"]
    assert "quick form" in text
    assert "\\<always>" in text, "what could be taken for a tag is not"


class _Page(HTMLParser):
    """Collects what a page refers to, and whether its tags match."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []
        self.stack: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in {"meta", "link", "img", "br"}:
            self.stack.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "xlink:href", "action", "data"} and not (value or "").startswith("#"):
                self.outside.append(f"{tag} {name}={value}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.stack = self.stack[:-1] if self.stack[-1:] == [tag] else self.stack

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag


def read(text: str) -> _Page:
    page = _Page()
    page.feed(text)
    page.close()
    return page


def test_the_page_needs_nothing_but_itself(folder: Path) -> None:
    text = (folder / PAGE).read_text("utf-8")
    page = read(text)
    assert not page.stack
    assert not page.outside
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", text)
    assert read('<p><img src="https://example.org/a.png"/></p>').outside, "a reference would be seen"


def test_the_page_has_a_plot_of_every_world_that_was_played(folder: Path) -> None:
    text = (folder / PAGE).read_text("utf-8")
    plots = [ET.fromstring(each) for each in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]  # noqa: S314 -- our own
    labels = [plot.get("aria-label") or "" for plot in plots]
    assert [label.partition(":")[0] for label in labels[1:]] == ["doors", "levels"]
    shapes = [{each.tag.rpartition("}")[2] for each in plot.iter()} for plot in plots[1:]]
    assert all({"rect", "line", "text"} <= found for found in shapes)
    numbers = [each for plot in plots for shape in plot.iter() for each in shape.attrib.values()]
    assert not any("nan" in each.lower() or "inf" in each for each in numbers)


def test_what_was_achieved_is_drawn_beside_what_chance_achieves() -> None:
    names = ("wood", "stone")
    own, chance = (
        [replace(result(str(n), 9), achievements=dict(zip(names, counts, strict=True))) for n in range(4)]
        for counts in ((3, 1), (1, 0))
    )
    common: dict[str, Any] = {"engine": "fast", "splits": ("train", "test"), "limits": (9, 9), "rules": (1, 0)}
    reports = [
        report_on(each, config=RunConfig(environment="gamble"), wall_s=1.0, run="run", **common)
        for each in (own, chance)
    ]
    lived = Lived(own, {}, chance)
    row = row_played(replace(DOORS, asked=Asked()), reports[0], lived, random=reports[1])
    told = [each.text for each in ET.fromstring(row_plot(row, lived)).iter() if each.text]  # noqa: S314 -- our own
    assert [text for text in told if text in (*names, "100 %")] == ["wood", "100 %", "stone", "100 %"]
    assert row.is_reached is None
    assert row.figures is not None
    assert row.figures.random is not None
    assert row.figures.random.achievements is not None
    assert row.figures.random.achievements.shares == {"wood": 1.0, "stone": 0.0}


def test_the_terminal_shows_each_world_and_where_the_rest_is(folder: Path) -> None:
    screen = Console(file=io.StringIO(), width=200)
    screen.print(suite_view(report_in(folder), folder))
    assert isinstance(screen.file, io.StringIO)
    told = screen.file.getvalue()
    assert "doors" in told
    assert "levels" in told
    assert str(folder) in told


# --- what cannot be played ------------------------------------------------------------------------------------------------


def test_a_missing_package_is_a_line_with_what_installs_it_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needy = replace(build.environment("gamble"), missing=lambda: "needs doors: pip install 'agentwm[doors]'")
    specs(monkeypatch, gamble=needy)
    doors, levels = play_suite(SUITE, QUICK, tmp_path / "suite").rows
    assert (doors.state, doors.note, doors.figures) == ("missing", "needs doors: pip install 'agentwm[doors]'", None)
    assert doors.is_reached is None
    assert levels.state == "played"
    assert "pip install 'agentwm[doors]'" in (tmp_path / "suite" / MARKDOWN).read_text("utf-8")
    assert "1 missing" in (tmp_path / "suite" / PAGE).read_text("utf-8")


def test_an_environment_that_is_not_there_is_a_line_that_says_so(tmp_path: Path) -> None:
    unknown = replace(DOORS, name="nowhere", environment="nowhere")
    nowhere, doors = play_suite(replace(SUITE, rows=(unknown, DOORS)), QUICK, tmp_path).rows
    assert nowhere.state == "failed"
    assert "unknown environment 'nowhere'" in (nowhere.note or "")
    assert doors.state == "played"


class Fragile(gamble.GambleEnvironment):
    """Two doors that break down in every third task, and know of no reference."""

    def step(self, action: Action) -> Observation:
        if self._task.endswith("2"):
            raise EnvironmentFailureError("the hinges gave way")
        return super().step(action)

    def reset(self, task: str, *, seed: int = 0) -> Observation:
        self._task = task
        return super().reset(task, seed=seed)

    def reference(self, task: str, *, seed: int = 0) -> Reference:
        raise TaskError(f"nobody knows {task} with {seed}")


def test_errors_are_counted_apart_and_a_broken_reference_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(options: EnvironmentOptions) -> Fragile:
        return Fragile(gamble.make(options).tasks(), about=gamble.make(options).about)

    specs(monkeypatch, gamble=replace(build.environment("gamble"), make=make))
    [doors] = play_suite(SUITE, replace(QUICK, only=("doors",)), tmp_path).rows
    assert doors.figures is not None
    assert [each.rpartition(": ")[2] for each in doors.figures.errors] == ["the hinges gave way"] * 2
    assert doors.figures.episodes == 3
    assert doors.figures.success.count <= 2
    assert doors.figures.broken_off == 1, "of the tests: the other was met in learning"
    assert doors.figures.reference is None
    assert "nobody knows" in (doors.note or "")
    assert "error: " in (tmp_path / MARKDOWN).read_text("utf-8")


# --- cut off, and gone on with --------------------------------------------------------------------------------------------

Watch = Callable[[str], AbstractContextManager[Progress]]


def cut_off(name: str, after: int) -> Watch:
    """Return what watches a suite and interrupts it in the run ``name``, after so many pieces of news."""
    heard = 0

    @contextmanager
    def watch(run: str) -> Iterator[Progress]:
        def progress(_event: ProgressEvent) -> None:
            nonlocal heard
            heard += run == name
            if heard > after:
                raise KeyboardInterrupt

        yield progress

    return watch


def comparable(report: SuiteReport) -> Any:
    """Return all of a report but times and places."""
    data = report.model_dump()
    del data["wall_s"]
    for row in data["rows"]:
        del row["figures"]["seconds"], row["figures"]["run"]
    return data


@pytest.mark.parametrize(("name", "after"), [("doors", 3), ("levels", 40)])
def test_a_suite_that_was_cut_off_goes_on_to_the_same_table(
    name: str, after: int, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        play_suite(SUITE, QUICK, tmp_path, watch=cut_off(name, after))
    begun = report_in(tmp_path)
    assert not begun.is_complete
    assert "still to be played" in (tmp_path / MARKDOWN).read_text("utf-8")
    played: list[str] = []

    @contextmanager
    def noting(run: str) -> Iterator[Progress]:
        yield lambda _event: played.append(run)

    report = play_suite(SUITE, QUICK, tmp_path, resume=True, watch=noting)
    assert report.is_complete
    assert comparable(report) == comparable(report_in(folder))
    assert ("doors" in played) is (name == "doors"), "what was finished is read"
    assert report.wall_s > begun.wall_s


def test_a_folder_is_not_written_over_and_a_suite_keeps_its_options(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds one already"):
        play_suite(SUITE, QUICK, folder)
    with pytest.raises(ConfigurationError, match="begun with seed 0, not 1"):
        play_suite(SUITE, replace(QUICK, seed=1), folder, resume=True)
    with pytest.raises(ConfigurationError, match="there is no"):
        play_suite(SUITE, QUICK, tmp_path, resume=True)


# --- which rows -----------------------------------------------------------------------------------------------------------


def test_rows_are_chosen_by_name_by_group_and_by_pattern() -> None:
    rows = (DOORS, replace(DOORS, name="doors-2", group="Others", brief=None), LEVELS)
    suite = replace(SUITE, rows=rows)

    def chosen(*only: str, quick: bool = False) -> list[str]:
        return [row.name for row in chosen_rows(suite, SuiteOptions(only=only, quick=quick))]

    assert chosen() == ["doors", "doors-2", "levels"]
    assert chosen(quick=True) == ["doors", "levels"]
    assert chosen("doors") == ["doors"], "the name of a row is that row alone"
    assert chosen("doo*") == ["doors", "doors-2"]
    assert chosen("levels", "others") == ["doors-2", "levels"]
    with pytest.raises(ConfigurationError, match=r"unknown row .*'dors'.* Did you mean doors"):
        chosen("dors")
    with pytest.raises(ConfigurationError, match="quick form"):
        chosen("doors-2", quick=True)


def test_episodes_are_as_many_as_asked_for(tmp_path: Path) -> None:
    [doors] = play_suite(SUITE, SuiteOptions(only=("doors",), quick=True, episodes=1), tmp_path).rows
    assert doors.figures is not None
    assert doors.figures.episodes == 1


def test_the_suite_that_is_installed_asks_what_it_says() -> None:
    assert build.suite("worlds") is WORLDS
    rows = {row.name: row for row in WORLDS.rows}
    assert len(rows) == len(WORLDS.rows) == 21
    assert all(rows[name].asked.won == 0.95 for name in ("textworld-coin", "BabyAI-GoToSeq-v0"))
    assert rows["taxi"].asked == Asked(return_share=0.98)
    assert rows["crafter"].asked == Asked()
    assert all((row.brief is None or row.brief.episodes <= row.episodes) for row in WORLDS.rows)


# --- the command ----------------------------------------------------------------------------------------------------------


def told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str | Path
) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["agentwm", "eval", "suite", *map(str, arguments)])
    monkeypatch.setattr(build, "suite", lambda name: replace(SUITE, name=name))
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int | None)
    said = capsys.readouterr()
    return ended.value.code or 0, said.out + said.err


def test_the_command_plays_goes_on_and_prints_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _ = told(capsys, monkeypatch, "--quick", "--only", "doors", "--out", tmp_path / "suite")
    assert code == 0
    code, said = told(capsys, monkeypatch, "--resume", tmp_path / "suite", "--json")
    assert code == 0
    data, _ = json.JSONDecoder().raw_decode(said)
    assert [row["name"] for row in data["rows"]] == ["doors"]
    code, said = told(capsys, monkeypatch, "--resume", tmp_path / "suite", "--seed", "3")
    assert (code, "leave out --seed" in said) == (2, True)


def test_the_command_lists_what_is_asked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = told(capsys, monkeypatch, "--list")
    assert code == 0
    assert "won ≥ 90 %; return ≥ 98 %" in said


def test_a_row_that_fails_is_seen_in_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    specs(monkeypatch, sokoban=ConfigurationError("no levels today"))
    code, said = told(capsys, monkeypatch, "--quick", "--out", tmp_path / "suite")
    assert code == 1
    assert "no levels today" in said
