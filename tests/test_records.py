"""The run store: nothing acknowledged is lost, and an episode comes back as it was lived."""

import contextlib
import os
import random
import signal
import sqlite3
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentwm.errors import RunStoreError
from agentwm.records import RunStore
from agentwm.types import (
    Action,
    Condition,
    Fluent,
    Goal,
    Observation,
    Outcome,
    Prediction,
    Ref,
    State,
    Trajectory,
    Transition,
    Value,
    Var,
)

GOAL = Goal("put a mug in desk", (Condition(Ref("kind", (Var("o"),)), "==", "mug"),))

names = st.text(alphabet=string.ascii_lowercase + " 1é☕", max_size=6)
values: st.SearchStrategy[Value] = st.one_of(
    names,
    st.integers(),
    st.floats(allow_nan=False),
    st.booleans(),
    st.none(),
    st.sampled_from([0, 0.0, False, 1, 1.0, True]),
)
fluents = st.builds(Fluent, names, st.lists(names, max_size=2).map(tuple))
few_fluents = st.sampled_from([Fluent("in", (f"apple {n}",)) for n in range(4)] + [Fluent("holding")])
states: st.SearchStrategy[State] = st.dictionaries(fluents | few_fluents, values, max_size=8)
actions = st.builds(Action, names, st.lists(names, max_size=2).map(tuple))
optional_floats = st.none() | st.floats(allow_nan=False)
outcomes = st.builds(
    Outcome,
    st.floats(0, 1),
    changes=states,
    success=st.booleans(),
    reward=optional_floats,
    terminated=st.none() | st.booleans(),
    text=st.none() | st.text(max_size=5),
)
predictions = st.builds(
    Prediction,
    st.lists(outcomes, max_size=2).map(tuple),
    confidence=st.floats(0, 1),
    source=st.sampled_from(["rules", "frame", "llm"]),
    rules=st.lists(names, max_size=2).map(tuple),
)
# Mostly of a few facts and actions, so that they come again: with the value they had, with another, and in another order.
few_facts = st.tuples(
    st.sampled_from([Fluent("object", (f"cell {n}",)) for n in range(6)]), st.sampled_from([0, False, "wall", None])
)
seen_facts = st.lists(few_facts, max_size=9).map(dict) | states
few_actions = st.sampled_from([Action("go", (f"cell {n}",)) for n in range(4)] + [Action("object", ("cell 1",))])
observations = st.builds(
    Observation,
    st.text(max_size=10),
    facts=seen_facts,
    actions=st.none() | st.lists(few_actions | actions, max_size=6).map(tuple),
    reward=st.floats(allow_nan=False),
    terminated=st.booleans(),
    truncated=st.booleans(),
)
terms = st.recursive(
    st.builds(Var, names) | values,
    lambda inner: st.builds(Ref, names, st.lists(inner, max_size=2).map(tuple)),
    max_leaves=4,
)
conditions = st.builds(
    Condition, terms, st.sampled_from(["==", "!=", "in"]), terms | st.lists(values, max_size=3).map(tuple)
)
goals = st.builds(Goal, st.text(max_size=10), st.lists(conditions, max_size=2).map(tuple))


@st.composite
def trajectories(draw: st.DrawFn) -> Trajectory:
    start = belief = draw(states)
    lived = []
    for _ in range(draw(st.integers(0, 4))):
        after = draw(states) if draw(st.booleans()) else {**belief, **draw(states)}
        step = Transition(
            belief,
            draw(actions),
            after,
            draw(observations),
            draw(st.booleans()),
            draw(states),
            draw(st.frozensets(fluents | few_fluents, max_size=3)),
            draw(st.none() | predictions),
        )
        lived.append(step)
        belief = after
    return Trajectory(draw(names), draw(goals), start, tuple(lived))


ROOM = Observation("You are in a room.")


def write(
    store: RunStore, trajectory: Trajectory, *, episode: int = 0, phase: str = "learn", opening: Observation = ROOM
) -> None:
    store.begin_episode(episode, phase, trajectory.task, "any", trajectory.goal)
    store.record_start(episode, opening, trajectory.start)
    for step, transition in enumerate(trajectory):
        store.intend(episode, step, transition.action, transition.predicted)
        store.record(episode, step, transition)


def step_from(before: State, number: int, *, succeeded: bool = True) -> Transition:
    after = {**before, Fluent("count"): number}
    seen = Observation(f"step {number}")
    predicted = Prediction((Outcome(1.0),), 0.9, "rules", ("rule-1",))
    return Transition(
        before, Action("go", (str(number),)), after, seen, succeeded, {Fluent("count"): number}, predicted=predicted
    )


def lived(steps: int) -> Trajectory:
    belief: State = {Fluent("count"): -1}
    start, transitions = belief, []
    for number in range(steps):
        transitions.append(step_from(belief, number))
        belief = transitions[-1].after
    return Trajectory("task", GOAL, start, tuple(transitions))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with RunStore.create(tmp_path / "run", {"seed": 0}) as store:
        yield store


# An opening has neither reward nor end.
openings = observations.map(lambda seen: Observation(seen.text, seen.facts, seen.actions))


@settings(max_examples=50, deadline=None)
@given(trajectories(), openings)
def test_a_trajectory_comes_back_as_it_was_lived(trajectory: Trajectory, opening: Observation) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with RunStore.create(Path(folder) / "run", {}) as store:
            write(store, trajectory, opening=opening)
        with RunStore.open(Path(folder) / "run") as store:
            again, first = store.trajectory(0), store.opening(0)
    assert again == trajectory
    # == does not tell True from 1, and a rule would.
    assert [types_of(each.after) for each in again] == [types_of(each.after) for each in trajectory]
    assert first == opening
    # Nor does == see the order in which facts were told.
    assert [told_by(first), *told_in(again)] == [told_by(opening), *told_in(trajectory)]


@settings(max_examples=12, deadline=None)
@given(trajectories())
def test_a_run_written_by_many_processes_is_the_same_to_the_byte(trajectory: Trajectory) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with RunStore.create(Path(folder) / "calm", {}, clock=lambda: 0.0) as calm:
            write(calm, trajectory)
        with RunStore.create(Path(folder) / "cut", {}, clock=lambda: 0.0) as cut:
            write(cut, Trajectory(trajectory.task, trajectory.goal, trajectory.start))
        for step, transition in enumerate(trajectory):
            with RunStore.resume(Path(folder) / "cut", clock=lambda: 0.0) as cut:
                cut.intend(0, step, transition.action, transition.predicted)
                cut.record(0, step, transition)
        with RunStore.open(Path(folder) / "calm") as calm, RunStore.open(Path(folder) / "cut") as cut:
            assert cut._rows("SELECT * FROM steps") == calm._rows("SELECT * FROM steps")


def told_by(observation: Observation | None) -> list[tuple[Fluent, Value, type]]:
    return [(*fact, type(fact[1])) for fact in observation.facts.items()] if observation else []


def told_in(trajectory: Trajectory) -> list[list[tuple[Fluent, Value, type]]]:
    return [told_by(step.observation) for step in trajectory]


def types_of(state: State) -> dict[Fluent, type]:
    return {fluent: type(value) for fluent, value in state.items()}


def test_beliefs_are_stored_as_differences(store: RunStore) -> None:
    belief: State = {Fluent("in", (f"thing {n}",)): f"place {n}" for n in range(500)}
    write(store, Trajectory("task", GOAL, belief, (step_from(belief, 0),)))
    assert store._rows("SELECT changed, told, believed, forgotten FROM steps") == [('[["count",0]]', "[]", "[]", "[]")]


def in_view(*cells: int, at: int) -> Observation:
    facts: dict[Fluent, Value] = {Fluent("object", (f"cell {n}",)): "none" for n in cells}
    return Observation("", {**facts, Fluent("at"): at}, (Action("wait"), Action("go")))


def looking_round(*views: Observation) -> Trajectory:
    belief: State = {}
    steps = []
    for view in views:
        after = {**belief, **view.facts}
        steps.append(Transition(belief, Action("go"), after, view, succeeded=True, told=frozenset(view.facts)))
        belief = after
    return Trajectory("task", GOAL, {}, tuple(steps))


def test_what_was_told_before_is_stored_as_its_place(store: RunStore) -> None:
    views = in_view(1, 2, 3, at=7), in_view(3, 2, 1, at=7), in_view(4, 2, 3, at=8), in_view(1, 2, 3, at=8)
    write(store, looking_round(*views[1:]), opening=views[0])
    assert store._rows("SELECT facts, actions, believed, told FROM steps") == [
        ("[2,1,0,3]", "[[0,2]]", "[2,1,0,3]", "[[0,4]]"),
        ('[["object","cell 4","none"],[1,2],["at",8]]', "[[0,2]]", "[[3,2]]", "[[1,4]]"),
        ("[[0,4]]", "[[0,2]]", "[]", "[[0,4]]"),
    ]


def test_a_step_that_could_not_be_written_leaves_no_trace_in_those_after_it(store: RunStore) -> None:
    trajectory = looking_round(in_view(1, at=1), in_view(2, at=2))
    write(store, Trajectory("task", GOAL, {}, trajectory.transitions[:1]))
    with pytest.raises(RunStoreError, match="was not intended"):
        store.record(0, 1, trajectory.transitions[1])
    store.intend(0, 1, Action("go"))
    store.record(0, 1, trajectory.transitions[1])
    assert store.trajectory(0) == trajectory


def test_a_step_may_begin_only_where_the_one_before_it_ended(store: RunStore) -> None:
    write(store, lived(2))
    stray = step_from({Fluent("count"): 77}, 2)
    store.intend(0, 2, stray.action)
    with pytest.raises(RunStoreError, match="does not begin in the belief"):
        store.record(0, 2, stray)


def test_an_outcome_needs_an_intent(store: RunStore) -> None:
    trajectory = lived(2)
    write(store, trajectory)
    with pytest.raises(RunStoreError, match="was not intended"):
        store.record(0, 2, step_from(trajectory.transitions[-1].after, 2))


def test_an_acknowledged_step_is_never_written_again(store: RunStore) -> None:
    write(store, lived(2))
    with pytest.raises(RunStoreError, match="recorded already"):
        store.intend(0, 1, Action("other"))


def test_an_intended_step_without_outcome_may_be_done_again(tmp_path: Path) -> None:
    trajectory = lived(3)
    with RunStore.create(tmp_path / "run", {}) as store:
        write(store, Trajectory("task", GOAL, trajectory.start, trajectory.transitions[:2]))
        store.intend(0, 2, Action("half", ("done",)))
    with RunStore.resume(tmp_path / "run") as store:
        cut_off = store.interrupted()
        assert cut_off is not None
        assert cut_off.episode == 0
        assert store.pending(0) == Action("half", ("done",))
        assert store.steps(0)[-1].transition is None
        assert store.actions_of(0) == tuple(each.action for each in trajectory.transitions[:2])
        last = trajectory.transitions[2]
        store.intend(0, 2, last.action, last.predicted)
        store.record(0, 2, last)
        assert store.pending(0) is None
        assert store.trajectory(0) == trajectory


def test_what_was_learned_is_kept_with_the_end_of_its_episode(store: RunStore) -> None:
    write(store, lived(1))
    assert store.last_learned() is None
    store.end_episode(0, won=True, steps=1, learned="two rules")
    write(store, lived(2), episode=1, phase="play")
    assert store.last_learned() == "two rules"
    assert [(each.episode, each.won, each.steps) for each in store.completed("learn")] == [(0, True, 1)]
    assert store.completed("play") == []
    store.end_episode(1, won=False, steps=2, error="no such game")
    assert [(each.status, each.error) for each in store.completed("play")] == [("error", "no such game")]
    assert store.interrupted() is None


def test_predictions_of_success_are_counted_against_what_happened(store: RunStore) -> None:
    first = step_from({}, 0, succeeded=False)
    second = step_from(first.after, 1)
    unpredicted = Transition(second.after, Action("look"), second.after, Observation("a room"), succeeded=True)
    write(store, Trajectory("task", GOAL, {}, (first, second, unpredicted)))
    [episode] = store.episodes()
    assert (episode.predictions, episode.predictions_right) == (2, 1)


def test_an_episode_is_not_begun_twice(store: RunStore) -> None:
    write(store, lived(1))
    store.begin_episode(0, "learn", "task", "any", GOAL)
    assert len(store.trajectory(0)) == 1
    with pytest.raises(RunStoreError, match="there already"):
        store.begin_episode(0, "play", "other", "any", GOAL)


def test_a_run_is_read_while_it_is_written_but_written_once(store: RunStore) -> None:
    write(store, lived(3))
    with RunStore.open(store.path) as reader:
        assert len(reader.trajectory(0)) == 3
        with pytest.raises(RunStoreError, match="reading only"):
            reader.finish()
    with pytest.raises(RunStoreError, match="locked"):
        RunStore.resume(store.path)
    with pytest.raises(RunStoreError, match="holds one already"):
        RunStore.create(store.path, {})


def test_the_report_and_the_configuration_come_back(store: RunStore) -> None:
    assert not store.is_finished
    store.finish('{"episodes": 3}')
    with RunStore.open(store.path) as reader:
        assert reader.is_finished
        assert reader.report == '{"episodes": 3}'
        assert reader.config == {"seed": 0}
        assert "agentwm" in reader.versions


def test_what_is_no_run_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunStoreError, match="nothing there"):
        RunStore.open(tmp_path / "nowhere")
    with pytest.raises(RunStoreError, match=r"no run\.db in it"):
        RunStore.open(tmp_path)
    (tmp_path / "run.db").write_text("not a database, but long enough to be looked at " * 40)
    with pytest.raises(RunStoreError, match="damaged or not readable"):
        RunStore.open(tmp_path)
    (tmp_path / "run.db").unlink()
    with contextlib.closing(sqlite3.connect(tmp_path / "run.db")) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(RunStoreError, match="another program's"):
        RunStore.open(tmp_path)


def test_a_run_of_an_earlier_format_is_refused(store: RunStore) -> None:
    with contextlib.closing(sqlite3.connect(store.path / "run.db", isolation_level=None)) as earlier:
        earlier.execute("PRAGMA user_version = 2")
    for reopen in (RunStore.open, RunStore.resume):
        with pytest.raises(RunStoreError, match=r"expected run format 3, but .* has 2: use the agentwm that wrote it"):
            reopen(store.path)


def test_a_place_where_nothing_was_written_is_damage(store: RunStore) -> None:
    write(store, looking_round(in_view(1, at=1)))
    with contextlib.closing(sqlite3.connect(store.path / "run.db", isolation_level=None)) as vandal:
        vandal.execute("UPDATE steps SET facts = '[[0,9]]'")
    with RunStore.open(store.path) as reader, pytest.raises(RunStoreError, match="damaged: episode 0 cannot be read"):
        reader.trajectory(0)


def test_a_damaged_run_is_an_error_not_an_empty_one(store: RunStore) -> None:
    write(store, lived(2))
    with contextlib.closing(sqlite3.connect(store.path / "run.db", isolation_level=None)) as vandal:
        vandal.execute("UPDATE steps SET believed = '[[1' WHERE step = 1")
    with RunStore.open(store.path) as reader, pytest.raises(RunStoreError, match="damaged: episode 0 cannot be read"):
        reader.trajectory(0)


def test_an_unknown_episode_says_which_there_are(store: RunStore) -> None:
    write(store, lived(1))
    with pytest.raises(RunStoreError, match=r"got 7: it has episodes 0 to 0"):
        store.trajectory(7)


# --- kill -9 ---


def write_until_killed(path: Path) -> None:
    """Write episodes without end and acknowledge each step on stdout, after the store returned."""
    with RunStore.create(path, {}) as store:
        for episode in range(10_000):
            store.begin_episode(episode, "learn", "task", "any", GOAL)
            belief: State = {Fluent("count"): -1}
            store.record_start(episode, Observation("start"), belief)
            for number in range(20):
                transition = step_from(belief, number)
                store.intend(episode, number, transition.action, transition.predicted)
                store.record(episode, number, transition)
                os.write(1, f"{episode} {number}\n".encode())
                belief = transition.after
            store.end_episode(episode, won=True, steps=20)


def test_kill_9_loses_no_acknowledged_step(tmp_path: Path) -> None:
    chance = random.Random(2)
    for attempt in range(6):
        path = tmp_path / f"run-{attempt}"
        command = [sys.executable, __file__, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            first = writer.stdout.readline()
            time.sleep(chance.uniform(0, 0.06))
            writer.send_signal(signal.SIGKILL)
            acknowledged = (first + writer.stdout.read()).decode().splitlines(keepends=True)
        # A kill in the middle of a line is not an acknowledgement.
        episode, step = map(int, [line for line in acknowledged if line.endswith("\n")][-1].split())
        with RunStore.resume(path) as store:
            for earlier in range(episode):
                assert store.trajectory(earlier) == lived(20)
            last = store.trajectory(episode)
            assert len(last) >= step + 1
            assert last == lived(len(last))
            assert len(store.completed("learn")) >= episode
            # At most the step in flight is unknown, and the run goes on from there.
            if len(last) < 20:
                following = step_from(last.transitions[-1].after, len(last))
                store.intend(episode, len(last), following.action, following.predicted)
                store.record(episode, len(last), following)
                assert store.trajectory(episode) == lived(len(last) + 1)


if __name__ == "__main__":
    write_until_killed(Path(sys.argv[1]))
