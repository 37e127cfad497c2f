"""A stranger's environment keeps the contract of environments, as ours do; and each check is seen to fail, and to name the fault."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agentwm import build
from agentwm.new_environment import new_environment
from agentwm.testing import ENVIRONMENT_CHECKS, EnvironmentTests, check_environment
from agentwm.testing import environments as checks
from agentwm.types import EnvironmentSpec, Fluent
from tests.conftest import agentwm_here
from tests.strangers import install, planted

Check = Callable[[EnvironmentSpec | str], None]

EXAMPLE = Path(__file__).parents[1] / "examples" / "add_an_environment"
NAME = "hill-country"
MODULES = {NAME: "agentwm_hill_country", "lamps": "agentwm_lamps"}


def named(check: Check) -> str:
    return check.__name__


def test_the_class_of_tests_has_all_the_checks() -> None:
    called = set(EnvironmentTests.test_it_can_be_closed_twice.__code__.co_names)
    for name, test in vars(EnvironmentTests).items():
        if name.startswith("test_"):
            called |= set(test.__code__.co_names)
    assert {named(check) for check in ENVIRONMENT_CHECKS} <= called


# --- a stranger's ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the folders in which the example and a package that was just written are installed."""
    pytest.importorskip(
        "setuptools", minversion="70.1", reason="needs setuptools to install a package without a network"
    )
    folder = tmp_path_factory.mktemp("strangers")
    written = new_environment(NAME, folder / NAME)
    copy = folder / "example"  # so that building leaves nothing behind beside the example
    copy.mkdir()
    for path in EXAMPLE.iterdir():
        if path.is_file():
            (copy / path.name).write_bytes(path.read_bytes())
    return {NAME: install(written, folder / "written"), "lamps": install(copy, folder / "lamps")}


Plant = Callable[..., None]


@pytest.fixture
def plant(sites: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    """Return a function that installs a stranger's package here with texts of it replaced."""

    def put(package: str = NAME, /, **faults: str) -> None:
        site = planted(
            sites[package], tmp_path / "site", {FAULTS_AT.get(key, key): text for key, text in faults.items()}
        )
        monkeypatch.syspath_prepend(str(site))

    yield put
    for module in MODULES.values():
        sys.modules.pop(module, None)


def test_the_example_keeps_the_contract(plant: Plant) -> None:
    plant("lamps")
    check_environment("lamps")
    check_environment(build.environment("lamps"))


@pytest.mark.parametrize("name", ["alfworld", "crafting", "gamble", "locks", "sokoban"])
def test_our_own_worlds_conform(name: str) -> None:
    check_environment(name)


@pytest.mark.parametrize("name", ["taxi", "MiniGrid-DoorKey-8x8-v0", "BabyAI-UnlockLocal-v0"])
def test_the_worlds_of_others_that_we_read_conform(name: str) -> None:
    if reason := build.environment(name).missing():
        pytest.skip(reason)
    check_environment(name)


def test_the_example_is_a_package_of_under_80_lines() -> None:
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in EXAMPLE.glob("*.py")) < 80
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["entry-points"]["agentwm.environments"] == {"lamps": "agentwm_lamps:SPEC"}


def test_the_example_is_learned_from_an_empty_store_and_solved(plant: Plant, tmp_path: Path) -> None:
    plant("lamps")
    done = agentwm_here("run", "lamps", "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "60 of 60 games won at the first attempt" in done.stdout


# --- planted faults -------------------------------------------------------------------------------------------------------

FAULTS_AT = {
    "seed": 'rng = random.Random(f"hill-country {task} {seed}")',
    "actions": "ACTIONS = tuple(map(Action, VOCABULARY.actions))",
    "step": "        match action.verb:\n",
    "make": 'split = options.split or ("train" if options.learning else "test")',
    "imports": "import random\n",
    "facts": "self._facts |= {AT: start, CARRYING: False}",
    "kind": 'FluentSchema("kind", ("place",), "kind", static=True)',
    "text": 'f"The path, from west to east: {way}. You are at {here} and carry {hands}."',
    "close": '"""End the episode; there is nothing else to release."""\n',
    "reward": "reward=reward",
    "spec": "    learn=8,\n",
    "goal": 'goal = Goal("light the beacon")',
    "task": "raise misuse.unknown_task(task, len(self._tasks))",
    "screenshot": "    def close(self) -> None:\n",
    "name": f"{NAME}",
    "tasks": "return self._tasks\n",
    "order": '{Fluent("sort", (place,)): "place" for place in places}',
}
"""Where in the package that is written a fault can be planted."""

REFUSED = """\
        if action.verb == "take wood" and kind != "wood pile":
            raise misuse.unknown_action(action, self.vocabulary)
"""
HIDES = "agentwm_nowhere_to_be_found"

FAULTS: dict[str, tuple[dict[str, str], Check, str]] = {
    "a seed ignored": (
        {"seed": "rng = random.Random()"},
        checks.check_start,
        r"ignores the seed: reset of test-0-\d with seed \d began otherwise the second time, its text was .*: draw all chance from",
    ),
    "a seed that only other processes ignore": (
        {"seed": 'rng = random.Random(hash(f"{task} {seed}"))'},
        checks.check_start,
        r"ignores the seed: reset of .* began otherwise in another process",
    ),
    "facts in the order of a set": (
        {"order": '{Fluent("sort", (place,)): "place" for place in set(places)}'},
        checks.check_start,
        r"its facts came in another order: .*the order of a set is another in every process",
    ),
    "chance of its own in step": (
        {
            "actions": "CHANCE = random.Random(0)\nACTIONS = tuple(map(Action, VOCABULARY.actions))",
            "step": "        if CHANCE.random() < 0.5:\n            return self._observation(0.0)\n        match action.verb:\n",
        },
        checks.check_replay,
        r"ignores the seed: test-0-\d with seed 0 went otherwise the second time, 'after .*and read no clock",
    ),
    "an action listed but refused": (
        {"step": REFUSED + "        match action.verb:\n"},
        checks.check_actions,
        r"lists the action take wood as admissible at the start of .* and then refuses it, with .*: list only what step accepts",
    ),
    "an action listed that there is not": (
        {"actions": 'ACTIONS = (*map(Action, VOCABULARY.actions), Action("fly"))'},
        checks.check_actions,
        r"lists the action fly, and an action that can be done has one of the verbs go east, go west",
    ),
    "an action that can be said and is not answered": (
        {
            "step": REFUSED + "        match action.verb:\n",
            "actions": "ACTIONS = (Action('go east'), Action('go west'))",
        },
        checks.check_actions,
        r"raised EnvironmentFailureError .* in step, on the action take wood .*is to be answered, if only by words",
    ),
    "a package missing in make": (
        {"make": f"import {HIDES}\n    split = options.split or 'test'"},
        checks.check_missing,
        rf"needs the package '{HIDES}', which is not installed, and its missing\(\) does not say so: .*pip install {HIDES}",
    ),
    "a package missing at once": (
        {"imports": f"import random\nimport {HIDES}\n"},
        checks.check_missing,
        rf"needs the package '{HIDES}', which is not installed.*; import that inside make, and let missing\(\) of the spec say so",
    ),
    "something missing that is said to be": (
        {
            "spec": "    learn=8,\n    check=list,\n",
            "    missing=lambda: None,": "    missing=lambda: 'pip install hills',",
        },
        checks.check_missing,
        r"cannot be tested here, for it says of itself: pip install hills: install that",
    ),
    "a name that exists already": (
        {"name": "locks"},
        checks.check_name,
        r"two packages give the environment 'locks': agentwm \(.*\) and agentwm-hill-country \(.*\); uninstall one of them, or give yours",
    ),
    "tasks that are learned from and played": (
        {"make": 'split = options.split or "train"'},
        checks.check_tasks,
        r"learns by default from 8 tasks that are played in the default split \(\['train-0-0'\]\): tasks of different splits are to be",
    ),
    "tasks in the order of a set": (
        {"tasks": "return random.sample(self._tasks, len(self._tasks))\n"},
        checks.check_tasks,
        r"lists other tasks the second time: tasks are to keep their order",
    ),
    "a task that there is not": (
        {"task": "pass"},
        checks.check_tasks,
        r"begins a task that there is not: reset is to raise a TaskError",
    ),
    "a fact that is not declared": (
        {"facts": 'self._facts |= {AT: start, CARRYING: False, Fluent("tired"): True}'},
        checks.check_facts,
        r"tells something amiss in test-0-0 after 0 steps: tired\(\) is told and not declared: there is sort, kind, east",
    ),
    "a fact of another type": (
        {"facts": 'self._facts |= {AT: start, CARRYING: "no"}'},
        checks.check_facts,
        r"carrying\(\) is 'no', which is no bool",
    ),
    "a fact about no name": (
        {"facts": "self._facts |= {AT: start, CARRYING: False, Fluent('kind', (1,)): 'path'}"},
        checks.check_facts,
        r"kind\(.*1.*is no name: a str|raised TypeError",
    ),
    "a fact that is declared static and changes": (
        {
            "kind": 'FluentSchema("kind", ("place",), "kind", static=True)',
            'FluentSchema("at", (), "place")': 'FluentSchema("at", (), "place"), FluentSchema("steps", (), "number", static=True)',
            "facts": 'self._facts |= {AT: start, CARRYING: False, Fluent("steps"): 0}',
            "step": '        self._facts[Fluent("steps")] += 1\n        match action.verb:\n',
        },
        checks.check_facts,
        r"changes what it declares static: steps\(\) was 0 and became 1: declare it without static",
    ),
    "a reward that is no number": (
        {"reward": 'reward=float("nan")'},
        checks.check_facts,
        r"its reward is nan, which is no finite number",
    ),
    "a goal of what is not declared": (
        {
            "goal": 'from agentwm.types import Condition, Ref\n    goal = Goal("burn", (Condition(Ref("burning"), "==", True),))'
        },
        checks.check_facts,
        r"has a goal that nobody can reach: burning\(\) is asked for and not declared",
    ),
    "a picture that is none": (
        {"screenshot": "    def screenshot(self) -> str:\n        return 'a path'\n\n    def close(self) -> None:\n"},
        checks.check_facts,
        r"has a screenshot that is 'a path': return the bytes of a PNG, or None",
    ),
    "a text that is no longer so": (
        {
            "text": 'f"The path: {way}. You are at {self._start}."',
            "facts": "self._facts |= {AT: start, CARRYING: False}\n        self._start = start",
        },
        checks.check_text,
        r"has texts and facts that do not agree: at\(\) was 'place \d' in .* and became .* and the text stayed",
    ),
    "a text that never changes": (
        {"text": '"You are on a path."'},
        checks.check_text,
        r"has texts and facts that do not agree: at\(\) changed in .*, and all the time the text was 'You are on a path.'",
    ),
    "closed once only": (
        {"close": '"""End it."""\n        del self._tasks\n'},
        checks.check_close,
        r"raised AttributeError .* in close, the second time: what is closed already is to be left alone",
    ),
    "a time limit that is not kept": (
        {"spec": "    learn=8,\n    time_limit_s=1e-9,\n"},
        checks.check_time,
        r"took \d+\.\d+ s for a reset and declares that it takes 1e-09 s at most: raise time_limit_s",
    ),
    "a time limit that is none": (
        {"spec": "    learn=8,\n    time_limit_s=-1.0,\n"},
        checks.check_time,
        r"has a time limit of -1.0 s: seconds are above 0",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named(fault: str, plant: Plant) -> None:
    faults, check, said = FAULTS[fault]
    plant(**faults)
    name = faults.get("name", NAME)
    with pytest.raises(AssertionError) as raised:
        check(name)
    message = str(raised.value)
    assert re.search(said, message), message
    assert message.startswith(f"the environment {name} ")


def test_every_check_is_seen_to_fail() -> None:
    assert {check for _, check, _ in FAULTS.values()} == set(ENVIRONMENT_CHECKS)


def test_a_package_without_a_fault_passes(plant: Plant) -> None:
    plant()
    check_environment(NAME)


def test_a_perceiver_that_reads_of_what_is_not_written_is_found() -> None:
    household = build.environment("alfworld")

    def make(options: object) -> object:
        environment = household.make(options)  # type: ignore[arg-type]  # as it comes
        reader = environment.perceiver

        class Dreaming:
            def perceive(self, *seen: object) -> object:
                told = reader.perceive(*seen)  # type: ignore[union-attr,arg-type]  # as it comes
                unicorn = Fluent("sort", (f"unicorn {len(seen[0].text)}",))  # type: ignore[attr-defined]  # an observation
                return replace(told, told={**told.told, unicorn: "object"})

        environment.perceiver = Dreaming()  # type: ignore[misc,assignment]  # on purpose
        return environment

    with pytest.raises(AssertionError, match=r"tells of unicorn \d+ in a text that names no such thing"):
        checks.check_text(replace(household, make=make))  # type: ignore[arg-type]  # on purpose


# --- a name, before it is installed ---------------------------------------------------------------------------------------


def test_a_spec_that_is_not_installed_says_what_to_add() -> None:
    spec = replace(build.environment("locks"), name="cellar")
    with pytest.raises(AssertionError, match=r'not installed under its name: add cellar = "MODULE:SPEC" to \[project'):
        checks.check_name(spec)


def test_a_spec_with_the_name_of_another_one_says_whose() -> None:
    spec = replace(build.environment("gamble"), name="locks")
    with pytest.raises(AssertionError, match=r"has a name that exists already: agentwm \(.*locks:SPEC'\) has it"):
        checks.check_name(spec)


def test_a_member_of_a_family_has_a_name_of_its_own() -> None:
    if (reason := build.environment("MiniGrid").missing()) is not None:
        pytest.skip(reason)
    checks.check_name(build.environment("MiniGrid-Empty-5x5-v0"))


# --- and in a run ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("a name that exists already", "two packages give the environment 'locks': agentwm"),
        ("a package missing in make", f"needs the package '{HIDES}', which is not installed: pip install"),
        ("a package missing at once", f"needs the package '{HIDES}', which is not installed: pip install"),
    ],
)
def test_a_run_names_the_fault_too(fault: str, said: str, plant: Plant, tmp_path: Path) -> None:
    faults, _, _ = FAULTS[fault]
    plant(**faults)
    done = agentwm_here("run", faults.get("name", NAME), "--out", "run", cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "run" / "run.db").exists()


def test_a_run_names_an_action_that_was_refused(plant: Plant, tmp_path: Path) -> None:
    plant(**FAULTS["an action listed but refused"][0])
    done = agentwm_here("run", NAME, "--learn", "2", "--episodes", "1", "--out", "run", cwd=tmp_path)
    assert "expected one of the actions go east, go west, take wood, light beacon; got 'take wood'" in done.stdout


def test_the_tests_are_found_by_pytest_through_one_class(plant: Plant, tmp_path: Path) -> None:
    plant(seed="rng = random.Random()")
    test = "from agentwm.testing import EnvironmentTests\n\nclass TestHill(EnvironmentTests):\n    environment = 'hill-country'\n"
    (tmp_path / "test_hill.py").write_text(test, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_hill.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "test_the_same_seed_begins_the_same" in done.stdout
    assert "ignores the seed" in done.stdout
    assert "8 passed" in done.stdout
