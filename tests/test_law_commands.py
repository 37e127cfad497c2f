"""Laws in real worlds and on the command line, in a real sandbox: added by hand, shown, checked, pruned, merged and sent."""

import json
import random
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agentwm import RuleStore
from agentwm.agent import Episode
from agentwm.evaluation.agreement import agreement
from agentwm.induction.credit import examples
from agentwm.induction.evidence import accept
from agentwm.induction.noisy import NoisyInducer
from agentwm.learning import Learner
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.laws import parse_law
from agentwm.rules.sandbox import open_sandbox
from agentwm.types import EnvironmentOptions, Outcome, Prediction, Query, Trajectory, Vocabulary
from agentwm_environments.small import frozenlake
from agentwm_environments.small import locks as locks_world
from agentwm_environments.small.truth import KnownWorld
from tests.conftest import Ask

pytest.importorskip("pydantic_monty", reason="needs the [sandbox] extra: pip install 'agentwm[sandbox]'")

THROUGH = parse_law('''
"""Going through an open door leads to the room on its other side."""


def precondition(state, action):
    if action["verb"] != "go":
        return False
    (door,) = action["args"]
    return state[f"open({door})"] and state["at()"] in (state[f"near({door})"], state[f"far({door})"])


def effect(state, action):
    (door,) = action["args"]
    rooms = [state[f"near({door})"], state[f"far({door})"]]
    return {"at()": rooms[1] if state["at()"] == rooms[0] else rooms[0]}
''')
NOWHERE = parse_law(THROUGH.source.replace("== rooms[0]", "!= rooms[0]").replace("leads", "never leads"))
HALTING = parse_law(
    THROUGH.source.replace('state[f"open({door})"] and', 'state["wind()"] and').replace("leads", "flies")
)


@pytest.fixture
def store(locks: Path, tmp_path: Path) -> Path:
    """Return a folder with what was learned of locked rooms, all but how one goes, and a law about that, added by hand."""
    learned = RuleStore.load(locks)
    folder = tmp_path / "store"
    replace(learned, rules=tuple(rule for rule in learned.rules if rule.verb != "go")).save(folder)
    (folder / "rules" / "mine.law.py").write_text(THROUGH.source, encoding="utf-8")
    return folder


def test_a_law_has_a_line_in_the_list_and_its_source_in_json(store: Path, ask: Ask) -> None:
    lines = ask("list", store).out.splitlines()
    assert len(lines) == 1 + len(RuleStore.load(store))
    assert lines[-1].split()[:5] == [THROUGH.id, "active", "0+", "0-", "0.500"]
    assert lines[-1].endswith("law: Going through an open door leads to the room on its other side.")
    told = json.loads(ask("list", store, "--json").out)
    assert (told[-1]["id"], told[-1]["verb"], told[-1]["source"]) == (THROUGH.id, None, THROUGH.source)
    assert all("source" not in each for each in told[:-1])
    assert THROUGH.id not in ask("list", store, "--verb", "open").out


def test_a_retired_law_is_listed_and_shown_only_when_asked_for(store: Path, ask: Ask) -> None:
    RuleStore.load(store).retire({THROUGH.id: "pruned: too dear"}).save(store)
    for command in ("list", "show"):
        assert THROUGH.id not in ask(command, store).out
        assert "pruned: too dear" in ask(command, store, "--retired").out


def test_show_and_why_name_a_law_and_why_shows_its_source(store: Path, ask: Ask) -> None:
    assert "law: Going through an open door" in ask("show", store).out
    answer = ask("why", store, "law-")
    assert answer.code == 0
    assert THROUGH.source in answer.out
    assert "active, from person" in answer.out


def test_why_shows_no_character_that_a_terminal_would_obey(store: Path, ask: Ask) -> None:
    rude = parse_law(THROUGH.source.replace("Going", "\x1b[2JGone"))
    RuleStore(laws=(rude,)).save(store)
    for command in (["why", store, "law-"], ["list", store], ["show", store]):
        answer = ask(*command)
        assert "Gone through" in answer.out
        assert "\x1b[2J" not in answer.out


def test_why_shows_the_steps_of_a_run_for_and_against_a_law(locks: Path, tmp_path: Path, ask: Ask) -> None:
    folder = shutil.copytree(locks, tmp_path / "run")
    for law in (THROUGH, NOWHERE, HALTING):
        (folder / "rules" / f"{law.id}.law.py").write_text(law.source, encoding="utf-8")
    through, nowhere, halting = (ask("why", folder, law.id).out for law in (THROUGH, NOWHERE, HALTING))
    assert "✓ episode " in through
    assert "✗ episode " not in through
    assert "✗ episode " in nowhere
    assert "✓ episode " not in nowhere
    assert "spoke at 0 steps" in halting
    assert "gave no answer at " in halting
    assert "wind()" in halting.split("gave no answer at ")[1]


def test_a_law_added_by_hand_is_checked_like_any_rule_and_foretells_what_no_rule_does(store: Path, ask: Ask) -> None:
    answer = ask("check", store, "--env", "locks", "--episodes", "2", "--json")
    told = json.loads(answer.out)
    assert (answer.code, told["refuted"]) == (0, [])
    assert "at()" not in told["unforetold"].get("go", {})
    standing = told["rules"][-1]
    assert standing["id"] == THROUGH.id
    assert standing["right"] > 0
    assert (standing["wrong"], standing["failures"]) == (0, 0)
    (store / "rules" / "mine.law.py").unlink()
    assert (
        "at()" in json.loads(ask("check", store, "--env", "locks", "--episodes", "2", "--json").out)["unforetold"]["go"]
    )


def test_a_false_law_is_refuted_and_one_that_fails_is_reported(store: Path, ask: Ask) -> None:
    for law in (NOWHERE, HALTING):
        (store / "rules" / f"{law.id}.law.py").write_text(law.source, encoding="utf-8")
    answer = ask("check", store, "--env", "locks", "--episodes", "2")
    assert answer.code == 1
    assert f"✗  {NOWHERE.id}" in answer.out
    assert f"·  {HALTING.id}" in answer.out
    assert "gave no answer" in answer.out
    assert "refuted: 1" in answer.out
    assert " rules and laws " in answer.out


def test_a_law_that_cannot_be_run_is_named_with_its_line_and_the_rest_is_checked(store: Path, ask: Ask) -> None:
    (store / "rules" / "theirs.law.py").write_text("import os\n" + THROUGH.source, encoding="utf-8")
    answer = ask("check", store, "--env", "locks", "--episodes", "2")
    assert answer.code == 0
    assert f"set aside: cannot read the law in {store / 'rules' / 'theirs.law.py'}" in answer.err
    assert "line 1: found an import of 'os'" in answer.err


def test_a_store_with_laws_says_what_to_install_where_there_is_no_sandbox(
    store: Path, locks: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)
    for command in (["check", store, "--env", "locks"], ["prune", store, "--run", locks]):
        answer = ask(*command)
        assert (answer.code, answer.out) == (2, "")
        assert "pip install 'agentwm[sandbox]'" in answer.err
        assert answer.err.count("\n") == 1
    for command in (["list", store], ["show", store], ["why", store, "law-"], ["diff", store, locks]):
        assert ask(*command).code == 0


def test_pruning_keeps_a_law_that_is_needed_and_retires_one_that_rules_make_needless(
    store: Path, locks: Path, ask: Ask
) -> None:
    assert THROUGH.id not in ask("prune", store, "--run", locks).out
    both = replace(RuleStore.load(locks), laws=(THROUGH,))
    both.save(store)
    before = {rule.id for rule in both.rules}
    assert f"{THROUGH.id}" in ask("prune", store, "--run", locks).out
    assert RuleStore.load(store).laws == (THROUGH,), "nothing is written unasked"
    assert ask("prune", store, "--run", locks, "--write").code == 0
    pruned = RuleStore.load(store)
    assert (pruned.laws, pruned.retired_laws) == ((), (THROUGH,))
    assert pruned.record(THROUGH).reason == "pruned: all that it explains, rules explain too"
    assert {rule.id for rule in pruned.rules} <= before


def test_laws_are_compared_merged_and_sent_with_the_rules(store: Path, locks: Path, tmp_path: Path, ask: Ask) -> None:
    told = json.loads(ask("diff", locks, store, "--json").out)
    assert [each["id"] for each in told["added"]] == [THROUGH.id]
    assert "law: Going through" in ask("diff", locks, store).out
    assert " and 1 law (" in ask("merge", locks, store, "--out", tmp_path / "both").out
    assert RuleStore.load(tmp_path / "both").laws == (THROUGH,)
    file = tmp_path / "sent.json"
    assert " and 1 law (" in ask("export", tmp_path / "both", file).out
    assert " and 1 law (" in ask("import", file, tmp_path / "there").out
    assert RuleStore.load(tmp_path / "there").files() == RuleStore.load(tmp_path / "both").files()
    broken = file.read_text(encoding="utf-8").replace("def effect", "def cause")
    file.write_text(broken, encoding="utf-8")
    answer = ask("import", file, tmp_path / "nowhere")
    assert answer.code == 2
    assert "cannot read law 0" in answer.err


# --- what data rules cannot say --------------------------------------------------------------------------------------------------

ICE = parse_law('''
"""On ice a step goes ahead or, as often, to either side; where there is no cell one stays."""

WAYS = ["left", "down", "right", "up"]
STEPS = {"left": (0, -1), "down": (1, 0), "right": (0, 1), "up": (-1, 0)}


def precondition(state, action):
    return action["verb"] in WAYS


def effect(state, action):
    here = state["at()"]
    _, row, column = here.split()
    turn = WAYS.index(action["verb"])
    ways = []
    for way in (WAYS[turn - 1], WAYS[turn], WAYS[(turn + 1) % 4]):
        down, right = STEPS[way]
        there = f"cell {int(row) + down} {int(column) + right}"
        ways.append((1 / 3, {"at()": there if f"kind({there})" in state else here}))
    return ways
''')
STRAIGHT = parse_law(
    ICE.source.replace("WAYS[turn - 1], WAYS[turn], WAYS[(turn + 1) % 4]", "WAYS[turn],").replace("1 / 3", "1")
)
BACKWARDS = parse_law(ICE.source.replace("WAYS[turn],", "WAYS[turn - 2],"))


def without_references(words: Vocabulary) -> Vocabulary:
    """Return ``words`` without the fluents that lead from a cell to its neighbours: then no data rule can say where a step leads."""
    return replace(words, fluents={name: each for name, each in words.fluents.items() if each.derive is None})


def wander(world: KnownWorld, steps: int) -> list[Trajectory]:
    rng = random.Random(1)
    lived: list[Trajectory] = []
    for task in world.tasks():
        episode = Episode(world, task)
        while not episode.is_over:
            episode.step(rng.choice(world.actions(episode.state)), Prediction((Outcome(1.0),), 0.5, "frame"))
        lived.append(episode.trajectory)
        if sum(map(len, lived)) >= steps:
            return lived
    raise AssertionError


def questions(world: KnownWorld) -> Sequence[Query]:
    return [Query(state, action) for state in world.states(random.Random(0), 100) for action in world.actions(state)]


def test_a_law_of_distances_learned_on_one_lake_is_right_on_another_where_rules_know_nothing() -> None:
    pytest.importorskip("gymnasium")
    small, large = (frozenlake.make(EnvironmentOptions(count=300, split=split)) for split in ("train", "test_8x8"))
    words = without_references(small.vocabulary)
    lived = wander(small, 800)
    rules = NoisyInducer().induce(lived, words)
    seen = [example for trajectory in lived for example in examples(trajectory, words)]
    with open_sandbox() as sandbox:
        store = accept(rules, [ICE, STRAIGHT, BACKWARDS], seen, words, made_from=range(100), sandbox=sandbox)
        assert store.laws == (ICE,)
        assert store.record(ICE).contradicts == 0
        assert all(store.record(law).reason.startswith("not accepted: ") for law in (STRAIGHT, BACKWARDS))
        asked = questions(large)
        alone, together, laws_alone = (
            agreement(
                AlignedModel.symbolic(each, without_references(large.vocabulary), sandbox=sandbox),
                large.truth,
                asked,
                large.vocabulary,
            )
            for each in (rules, store, RuleStore(laws=store.laws, records=store.records))
        )
    assert len(asked) == 53 * 4
    assert together.right == len(asked), together.differences[:1]
    assert alone.right < len(asked) / 10
    assert alone.right < laws_alone.right < together.right, "what pays and what ends is the rules' part"


def test_laws_are_kept_while_rules_are_learned_and_held_against_what_was_lived() -> None:
    world = locks_world.make(EnvironmentOptions(count=2, learning=True))
    learner = Learner(RuleStore(laws=(THROUGH, NOWHERE, HALTING)))
    for task in world.tasks():
        episode = Episode(world, task)
        learner.play(episode, rng=random.Random(0), max_steps=120)
        learner.conclude(episode)
    store = learner.store
    assert store.rules
    assert store.laws == (THROUGH, HALTING)
    assert store.retired_laws == (NOWHERE,)
    assert store.record(THROUGH).supports > 0
    assert store.record(THROUGH).contradicts == 0
    assert "contradicted by" in store.record(NOWHERE).reason
    assert "gave no answer" in store.record(HALTING).reason
