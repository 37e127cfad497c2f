"""Laws: what is read, refused and answered; and that a hostile one harms nothing, in any sandbox, as it would with plain ``exec``."""

import ast
import contextlib
import json
import math
import os
import pickle
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentwm.errors import ConfigurationError, LawError, MissingExtraError, RuleError
from agentwm.rules.laws import (
    DEEPEST_ANSWER,
    LARGEST_NUMBER,
    LONGEST_SOURCE,
    LONGEST_TEXT,
    MODULES,
    MOST_CHANGES,
    MOST_OUTCOMES,
    Answer,
    Law,
    parse_fluent,
    parse_law,
    read_answer,
    read_effect,
    written,
)
from agentwm.rules.sandbox import Limits, MontySandbox, Sandbox, open_sandbox
from agentwm.types import Action, Fluent, Outcome, Query, Value
from tests.hostile_laws import ATTACKS, Attack, Target

SECRET = "the-secret-of-the-host"
VARIABLE = "AGENTWM_TEST_SECRET"
MARK = "printed by a law"
TIGHT = Limits(time_s=0.25, memory_bytes=32 * 2**20, patience=1)
BALLOON_MB = 150  # what a law may send out, a message of 32 MB, is copied on its way

TABLE = '''
"""Three pieces of wood make a table."""

def precondition(state, action):
    return action["verb"] == "craft" and state.get("wood()", 0) >= 3

def effect(state, action):
    return {"wood()": state["wood()"] - 3, "table()": True}
'''
STATE: Mapping[Fluent, Value] = {
    Fluent("at"): "desk 2",
    Fluent("in", ("apple 1",)): "fridge 1",
    Fluent("wood"): 3,
    Fluent("hot", ("apple 1",)): None,
}
CRAFT = Query(STATE, Action("craft", ("apple 1", "fridge 1")))
MADE = (Outcome(1.0, {Fluent("wood"): 0, Fluent("table"): True}),)

# --- the sandboxes ---------------------------------------------------------------------------------------------------------


def monty(limits: Limits) -> Sandbox:
    pytest.importorskip("pydantic_monty", reason="needs the [sandbox] extra: pip install 'agentwm[sandbox]'")
    return MontySandbox(limits)


SANDBOXES: Mapping[str, Callable[[Limits], Sandbox]] = {"monty": monty}


@pytest.fixture(scope="module", params=SANDBOXES)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with SANDBOXES[request.param](replace(TIGHT, time_s=1.0)) as opened:
        yield opened


@pytest.fixture(scope="module", params=SANDBOXES)
def fortress(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with SANDBOXES[request.param](TIGHT) as opened:
        yield opened


def ask(sandbox: Sandbox, source: str, query: Query = CRAFT, *, seed: int = 0) -> Answer:
    return sandbox.run([Law(source)], [query], seed=seed)[0][0]


def outcomes(sandbox: Sandbox, source: str, query: Query = CRAFT, *, seed: int = 0) -> tuple[Outcome, ...]:
    answer = ask(sandbox, source, query, seed=seed)
    assert isinstance(answer, tuple), answer
    return answer


def fault(sandbox: Sandbox, source: str) -> LawError:
    answer = ask(sandbox, source)
    assert isinstance(answer, LawError), answer
    return answer


def body(statements: str) -> str:
    return "def precondition(state, action):\n    return True\n\ndef effect(state, action):\n    " + statements


# --- what is attacked ---------------------------------------------------------------------------------------------------------


@dataclass
class Host:
    """What a hostile law is after: a file, a variable, a folder, a port and values that a host holds dear."""

    home: Path
    listener: socket.socket

    @classmethod
    @contextlib.contextmanager
    def at(cls, home: Path) -> Iterator[Self]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)  # noqa: FBT003 -- the standard library's parameter has no name
            (home / "folder").mkdir(parents=True)
            (home / "secret").write_text(SECRET)
            yield cls(home, listener)

    @property
    def target(self) -> Target:
        port = self.listener.getsockname()[1]
        return Target(str(self.home / "secret"), str(self.home / "folder"), VARIABLE, port)

    def damage(self) -> set[str]:
        """Return what has been done to the files and the port."""
        found = set()
        secret = self.home / "secret"
        if not secret.exists() or secret.read_text() != SECRET or any((self.home / "folder").iterdir()):
            found.add("wrote")
        with contextlib.suppress(BlockingIOError):
            self.listener.accept()[0].close()
            found.add("connected")
        return found


def told(answer: Answer) -> str:
    return f"{answer!r} {answer.printed!r}" if isinstance(answer, LawError) else repr(answer)


def misdeeds(attack: Attack, answer: Answer) -> set[str]:
    """Return what is wrong with an answer to an attack."""
    found = set()
    if SECRET in told(answer):
        found.add("leaked")
    if attack.must_fail and not isinstance(answer, LawError):
        found.add("answered")
    if attack.group == "clocks" and isinstance(answer, tuple):
        seen = answer[0].changes[Fluent("clock")]
        assert isinstance(seen, int | float)
        if abs(seen - time.time()) < 2 * 86400:
            found.add("told the time")
    return found


def peak_mb() -> float:
    """Return the most memory that this process ever had, and the largest of its children that ended."""
    return mb(resource.getrusage(resource.RUSAGE_SELF)) + mb(resource.getrusage(resource.RUSAGE_CHILDREN))


def mb(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


# --- what is read ------------------------------------------------------------------------------------------------------------

FLUENT_NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
ARGUMENTS = (
    st.text(
        st.characters(exclude_categories=("C", "Z"), exclude_characters=",()", include_characters=" "),
        min_size=1,
        max_size=9,
    )
    .map(str.strip)
    .filter(lambda text: text and text.isprintable())
)
FLUENTS = st.builds(Fluent, FLUENT_NAMES, st.lists(ARGUMENTS, max_size=3).map(tuple))


@given(FLUENTS)
def test_a_fluent_prints_and_is_read_back(fluent: Fluent) -> None:
    assert parse_fluent(str(fluent)) == fluent


@given(st.text(max_size=20))
def test_text_is_a_fluent_that_prints_the_same_or_it_is_refused(text: str) -> None:
    try:
        fluent = parse_fluent(text)
    except RuleError:
        return
    assert parse_fluent(str(fluent)) == fluent
    assert str(fluent).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    "text", ["", "wood", "wood(", "wood)", "1wood()", "a b()", "in(a,)", "in(,a)", "in(a(b))", "in(a\nb)", " in(a)"]
)
def test_what_is_no_fluent_is_refused_by_name(text: str) -> None:
    with pytest.raises(RuleError, match="expected a fluent such as"):
        parse_fluent(text)


def test_a_law_is_given_its_query_as_it_prints() -> None:
    state, action = map(json.loads, written(CRAFT))
    assert state == {"at()": "desk 2", "in(apple 1)": "fridge 1", "wood()": 3, "hot(apple 1)": None}
    assert action == {"verb": "craft", "args": ["apple 1", "fridge 1"]}
    assert written(CRAFT._replace(state=dict(reversed(list(STATE.items()))))) == written(CRAFT)


def test_a_law_has_a_sentence_and_an_id_that_white_space_does_not_change() -> None:
    law = parse_law(TABLE)
    assert law.text == "Three pieces of wood make a table."
    assert law.id == Law(TABLE.replace("\n", "  \r\n").strip()).id
    assert law.id != Law(TABLE.replace("3", "4")).id
    assert len(law.id) == len("law-") + 8


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("def precondition(s, a):\n    '''\n    Says it here.\n    More.\n    '''", "Says it here."),
        ("x = 1", ""),
        ("not a law", ""),
        ("'' ''", ""),
        ("\0\ud800", ""),
    ],
)
def test_the_sentence_is_the_first_docstring_or_empty(source: str, text: str) -> None:
    assert Law(source).text == text


# --- what is refused -----------------------------------------------------------------------------------------------------------

LAW = body("return {}")
REFUSED = {
    f"{LAW}\n    del state": ("line 6", "'del'", r"d\.pop\(key\)"),
    f"{LAW}\ndef f():\n    yield 1": ("line 7", "'yield'", "collect the values in a list"),
    f"{LAW}\ndef f():\n    yield from []": ("line 7", "'yield from'", "collect the values in a list"),
    f"{LAW}\nasync def f(): pass": ("line 6", "'async def'", "plain 'def'"),
    f"{LAW}\ndef f():\n    global x": ("line 7", "'global'", "pass the value on"),
    f"{LAW}\nimport os": ("line 6", "import of 'os'", "one of bisect, collections"),
    f"{LAW}\nfrom collections.abc import Mapping": ("line 6", "import of 'collections.abc'", "one of bisect"),
    f"{LAW}\nfrom . import x": ("line 6", "import of '.'", "one of bisect"),
    f"{LAW}\nfrom math import *": ("line 6", r"'import \*'", "name what is imported"),
    f"{LAW}\nclass A(dict): pass": ("line 6", "inheritance in class 'A'", "functions and a dict"),
    f"{LAW}\nclass A(metaclass=type): pass": ("line 6", "inheritance in class 'A'", "functions and a dict"),
    f"{LAW}\nclass A:\n    @property\n    def x(self): pass": (
        "line 8",
        "decorator on the method 'x'",
        "a plain method",
    ),
    f"{LAW}\nx = ().__class__": ("line 6", "the attribute '__class__'", "no Python internals"),
    f"{LAW}\nx = __builtins__": ("line 6", "'__builtins__'", "without leading underscores"),
    f"{LAW}\nx = __import__('os')": ("line 6", "'__import__'", "write the code out"),
    f"{LAW}\nx = eval('1')": ("line 6", "'eval'", "write the code out"),
    f"{LAW}\nx = open('a')": ("line 6", "'open'", "only its state and action"),
    f"{LAW}\nx = globals()": ("line 6", "'globals'", "name the variables"),
    f"{LAW}\nx = getattr(1, 'real')": ("line 6", "'getattr'", "write the attribute's name out"),
    f"{LAW}\nx = super()": ("line 6", "'super'", "no inheritance"),
    f"{LAW}\nx = next((a for a in []), None)": ("line 6", r"next\(", r"next\(iter\("),
    f"{LAW}\nx = {'[' * 150}{']' * 150}": ("line 6", "nested more than 100 deep", "break it into functions"),
    LAW.replace("effect", "affect"): ("line 1", "no function 'effect'", r"def effect\(state, action\):"),
    f"{LAW}\n{LAW}": ("line 6", "another function 'precondition'", "only one of that name"),
    LAW.replace("effect(state, action)", "effect(state)"): (
        "line 4",
        r"'effect\(state\)'",
        r"def effect\(state, action\):",
    ),
    LAW.replace("effect(state, action)", "effect(state, action=1)"): (
        "line 4",
        "action=1",
        r"def effect\(state, action\):",
    ),
    LAW.replace("effect(state, action)", "effect(action, state)"): ("line 4", r"effect\(action, state\)", "instead"),
    f"@print\n{LAW}": ("line 2", "decorator on 'precondition'", "call what it does in the function"),
    "def precondition(": ("line 1", "never closed", "correct it"),
    "(" * 5000: ("line 1", "parenthes", "correct it"),
    "x = '\0'": ("null bytes",),
    "x = '\ud800'": ("cannot be parsed", "write it plainly"),
    "-" * 15_000 + "1": ("cannot be parsed|nested more", ""),
    "#" * (LONGEST_SOURCE + 1): ("at most 20000 characters", "got 20001", "say less"),
}


@pytest.mark.parametrize("source", REFUSED, ids=lambda source: ascii(source[-40:]))
def test_the_linter_says_where_what_and_what_instead(source: str) -> None:
    with pytest.raises(RuleError) as refusal:
        parse_law(source)
    assert not isinstance(refusal.value, LawError)
    for words in REFUSED[source]:
        assert re.search(words, str(refusal.value))


def test_the_linter_names_the_first_faults_in_the_order_of_lines() -> None:
    with pytest.raises(RuleError) as refusal:
        parse_law(LAW + "".join(f"\nimport os{number}" for number in range(7)))
    lines = str(refusal.value).splitlines()
    assert [line.split(":")[0].strip() for line in lines[1:-1]] == [f"line {number}" for number in range(6, 11)]
    assert lines[-1].strip() == "and 2 more"


def test_nothing_in_the_host_runs_a_law(tmp_path: Path) -> None:
    for name in ("laws", "sandbox"):
        tree = ast.parse(Path(sys.modules[f"agentwm.rules.{name}"].__file__ or "").read_text(encoding="utf-8"))
        called = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not called & {"exec", "eval", "compile", "__import__"}
    parse_law(f"x = [0 for each in '{tmp_path}']\n{LAW}\nwhile True:\n    x = 1 / 0")  # is only looked at


# --- what is answered -----------------------------------------------------------------------------------------------------------


def test_changes_become_one_sure_outcome() -> None:
    said = {"wood()": 2, "in(apple 1)": None, "hot(apple 1)": True, "at()": "desk 2", "weight(apple 1)": 0.5}
    changes = {parse_fluent(key): value for key, value in said.items()}
    assert read_effect(said) == (Outcome(1.0, changes),)
    assert read_effect({}) == (Outcome(1.0),)


def test_chance_reward_end_and_success_are_read_and_the_likeliest_comes_first() -> None:
    said = [[0.2, {"success": False, "reward": -1}], [0.7, {"wood()": 1, "ends": True, "reward": 2.5}]]
    assert read_effect(said) == (
        Outcome(0.7, {Fluent("wood"): 1}, reward=2.5, terminated=True),
        Outcome(0.2, success=False, reward=-1.0),
    )


def test_probabilities_may_miss_one_by_rounding() -> None:
    assert len(read_effect([[0.1, {"a()": n}] for n in range(10)])) == 10
    assert read_effect([[1.0000001, {}]]) == (Outcome(1.0),)


BAD_EFFECTS: dict[str, tuple[object, str]] = {
    "none": (None, "a dict of changes"),
    "a number": (3, "a dict of changes"),
    "text": ("wood()", "a dict of changes"),
    "no outcomes": ([], "a dict of changes"),
    "a set": ({"wood()"}, "a dict of changes"),
    "a pair alone": ([0.5, {}], r"expected \(probability, changes\)"),
    "a triple": ([[0.5, {}, 1]], r"expected \(probability, changes\)"),
    "changes only": ([{}], r"expected \(probability, changes\)"),
    "too many outcomes": ([[0.001, {}]] * (MOST_OUTCOMES + 1), "at most 64 outcomes"),
    "more than one": ([[0.6, {}], [0.5, {}]], "add up to at most 1, got 1.1"),
    "a probability of 0": ([[0, {}]], "more than 0"),
    "a negative probability": ([[-0.1, {}]], "more than 0"),
    "a probability beyond 1": ([[1.1, {}]], "at most 1"),
    "a probability that is true": ([[True, {}]], "a probability must be a finite number"),
    "a probability that is none": ([[None, {}]], "a probability must be a finite number"),
    "a probability in text": ([["0.5", {}]], "a probability must be a finite number"),
    "a probability that is no number": ([[math.nan, {}]], "a probability must be a finite number"),
    "an infinite probability": ([[math.inf, {}]], "a probability must be a finite number"),
    "a key that is no fluent": ({"wood": 1}, "the keys of a change are fluents"),
    "a key that is no text": ({1: 1}, "the keys of a change are fluents"),
    "a long key": ({"x" * (LONGEST_TEXT + 1): 1}, "the keys of a change are fluents"),
    "a fluent twice": ({"in(a,b)": 1, "in(a, b)": 1}, "each fluent once"),
    "too many changes": ({f"x({n})": 1 for n in range(MOST_CHANGES + 1)}, "at most 1000 changes"),
    "a list for a value": ({"x()": [1]}, "the value of x"),
    "a dict for a value": ({"x()": {}}, "the value of x"),
    "a value that is no number": ({"x()": math.nan}, "must be finite"),
    "an infinite value": ({"x()": -math.inf}, "must be finite"),
    "a large number": ({"x()": LARGEST_NUMBER + 1}, "must be finite and at most"),
    "a very large number": ({"x()": 10**400}, "must be finite and at most"),
    "a long text": ({"x()": "x" * (LONGEST_TEXT + 1)}, "at most 1000 characters"),
    "a lone surrogate": ({"x()": "\ud800"}, "must be Unicode"),
    "a reward in text": ({"reward": "1"}, "a reward must be a finite number"),
    "a reward that is true": ({"reward": True}, "a reward must be a finite number"),
    "a reward that is none": ({"reward": None}, "a reward must be a finite number"),
    "an infinite reward": ({"reward": math.inf}, "a reward must be a finite number"),
    "a very large reward": ({"reward": 10**400}, "a reward must be a finite number"),
    "an end that is a number": ({"ends": 1}, "'ends' must be True or False"),
    "a success that is none": ({"success": None}, "'success' must be True or False"),
}


@pytest.mark.parametrize("case", BAD_EFFECTS)
def test_an_effect_that_is_none_is_a_typed_error(case: str) -> None:
    said, words = BAD_EFFECTS[case]
    with pytest.raises(LawError, match=words) as refusal:
        read_effect(said)
    assert refusal.value.reason == "result"
    assert len(str(refusal.value)) < 400


BAD_ANSWERS = {
    "": "an answer in JSON",
    "[true, {}": "an answer in JSON",
    "3": r"\[precondition, effect\]",
    "{}": r"\[precondition, effect\]",
    "[true]": r"\[precondition, effect\]",
    "[true, {}, 1]": r"\[precondition, effect\]",
    "[1, {}]": "True, False or None",
    '["yes", {}]': "True, False or None",
    "[true, null]": "a dict of changes",
    '[true, {"x()": NaN}]': "finite, got NaN",
    '[true, {"x()": -Infinity}]': "finite, got -Infinity",
    '[true, {"x()": 1e999}]': "must be finite",
    f'[true, {{"x()": {"9" * 5000}}}]': "an answer in JSON|must be finite",
    "[" * 60_000 + "]" * 60_000: "an answer in JSON|nested deeper",
    f"[true, {'[' * (DEEPEST_ANSWER + 1)}{']' * (DEEPEST_ANSWER + 1)}]": "nested deeper",
}


@pytest.mark.parametrize("text", BAD_ANSWERS, ids=lambda text: text[:30])
def test_an_answer_that_is_none_is_a_typed_error(text: str) -> None:
    with pytest.raises(LawError, match=BAD_ANSWERS[text]) as refusal:
        read_answer(text)
    assert refusal.value.reason == "result"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | FLUENTS.map(str),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(FLUENTS.map(str) | st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_whatever_a_law_says_is_outcomes_or_a_typed_error(said: object) -> None:
    answer: Answer
    try:
        answer = read_answer(json.dumps([True, said]))
    except LawError as error:
        answer = error
    if isinstance(answer, LawError):
        assert answer.reason == "result"
    else:
        assert answer
        assert all(0 < outcome.probability <= 1 for outcome in answer)


@pytest.mark.parametrize("text", ["[false, null]", "[null, null]", '[false, {"wood()": 1}]'])
def test_a_false_precondition_is_silence(text: str) -> None:
    assert read_answer(text) is None


def test_an_error_keeps_its_reason_when_it_travels() -> None:
    error = pickle.loads(pickle.dumps(LawError("slow", reason="time", printed="x")))  # noqa: S301 -- our own bytes
    assert (str(error), error.reason, error.printed) == ("slow", "time", "x")


# --- what runs -----------------------------------------------------------------------------------------------------------------

GOOD: Mapping[str, tuple[str, Mapping[str, Value]]] = {
    "the example": (TABLE, {"wood()": 0, "table()": True}),
    "a counting loop": (
        body("return {'fluents()': sum(1 for key in state if key.startswith('in('))}"),
        {"fluents()": 1},
    ),
    "a helper": ("def less(n):\n    return n - 1\n" + body("return {'wood()': less(state['wood()'])}"), {"wood()": 2}),
    "a pattern": (
        "import re\nTHING = re.compile(r'(\\w+) (\\d+)')\n"
        + body("return {'kind()': THING.match(action['args'][0]).group(1)}"),
        {"kind()": "apple"},
    ),
    "a plain class": (
        "class Bag:\n    def __init__(self, n):\n        self.n = n\n" + body("return {'wood()': Bag(7).n}"),
        {"wood()": 7},
    ),
    "a data class": (
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass P:\n    x: int\n"
        + body("return {'x()': P(4).x}"),
        {"x()": 4},
    ),
    "a match": (
        body("match action['args']:\n        case [thing, place]:\n            return {f'in({thing})': place}"),
        {"in(apple 1)": "fridge 1"},
    ),
    "a search": (
        "from collections import deque\n"
        "def far(start, end):\n    queue, seen = deque([(start, 0)]), {start}\n    while queue:\n        at, steps = queue.popleft()\n"
        "        if at == end:\n            return steps\n        for to in (at - 1, at + 1, at * 2):\n"
        "            if to not in seen:\n                seen.add(to)\n                queue.append((to, steps + 1))\n"
        + body("return {'steps()': far(state['wood()'], 25)}"),
        {"steps()": 4},
    ),
    "a try": (
        body("try:\n        return {'x()': state['no()']}\n    except KeyError:\n        return {'x()': None}"),
        {"x()": None},
    ),
    "printing": (body("print('thinking')\n    return {'x()': 1}"), {"x()": 1}),
    "letters from everywhere": (
        body("return {'in(Äpfel ü)': 'Kühlschrank \U0001f9ca'}"),
        {"in(Äpfel ü)": "Kühlschrank \U0001f9ca"},
    ),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_law_passes_the_linter_and_runs(case: str, sandbox: Sandbox) -> None:
    source, changes = GOOD[case]
    assert outcomes(sandbox, parse_law(source).source) == (
        Outcome(1.0, {parse_fluent(key): value for key, value in changes.items()}),
    )


def test_every_module_that_the_linter_allows_can_be_imported(sandbox: Sandbox) -> None:
    for module in sorted(MODULES - {"__future__"}):
        assert outcomes(sandbox, parse_law(f"import {module}\n{LAW}").source)
    assert outcomes(sandbox, parse_law(f"from __future__ import annotations\n{LAW}").source)


def test_chance_reward_and_end_come_through(sandbox: Sandbox) -> None:
    law = body("return [(0.25, {'success': False}), (0.5, {'wood()': None, 'reward': 1, 'ends': True})]")
    assert outcomes(sandbox, law) == (
        Outcome(0.5, {Fluent("wood"): None}, reward=1.0, terminated=True),
        Outcome(0.25, success=False),
    )


def test_a_law_is_silent_where_its_precondition_is_false_or_none(sandbox: Sandbox) -> None:
    assert ask(sandbox, TABLE, Query({}, CRAFT.action)) is None
    assert (
        ask(sandbox, "def precondition(state, action):\n    pass\n\ndef effect(state, action):\n    return {}\n")
        is None
    )


def test_many_laws_and_queries_are_answered_in_order(sandbox: Sandbox) -> None:
    laws = [Law(body(f"return {{'n()': state['wood()'] * {number}}}")) for number in range(4)]
    queries = [Query({Fluent("wood"): number}, Action("look")) for number in range(5)]
    rows = sandbox.run(laws, queries)
    assert [[dict(each[0].changes) for each in row if isinstance(each, tuple)] for row in rows] == [
        [{Fluent("n"): wood * factor} for wood in range(5)] for factor in range(4)
    ]
    assert sandbox.run([], queries) == []
    assert sandbox.run(laws, []) == [[]] * 4


def test_the_same_seed_gives_the_same_chance_and_another_another(sandbox: Sandbox) -> None:
    law = "import random\n" + body("return {'dice()': random.random(), 'own()': random.Random().random()}")
    assert outcomes(sandbox, law, seed=1) == outcomes(sandbox, law, seed=1) != outcomes(sandbox, law, seed=2)


def test_chance_does_not_depend_on_what_else_is_asked(sandbox: Sandbox) -> None:
    law = Law("import random\n" + body("return {'dice()': random.random()}"))
    queries = [Query({Fluent("n"): number}, Action("look")) for number in range(5)]
    together = sandbox.run([Law(TABLE), law], queries, seed=3)[1]
    assert together == [sandbox.run([law], [query], seed=3)[0][0] for query in queries]
    assert together == sandbox.run([law], queries[::-1], seed=3)[0][::-1]
    assert len(set(map(repr, together))) == 5


@pytest.mark.parametrize(
    "attack", [attack for attack in ATTACKS if attack.group in ("chance", "clocks")], ids=lambda attack: attack.name
)
def test_even_hash_address_and_clock_are_the_same_each_time(attack: Attack, sandbox: Sandbox) -> None:
    law = attack.template
    assert outcomes(sandbox, law) == outcomes(sandbox, law)


def test_laws_share_nothing(sandbox: Sandbox) -> None:
    keeps = Law("kept = [1]\nimport math\n" + body("kept.append(2)\n    return {'n()': len(kept)}"))
    looks = Law(body("return {'n()': len(kept)}"))
    answers = sandbox.run([keeps, looks, keeps], [CRAFT])
    assert answers[0] == answers[2] == [(Outcome(1.0, {Fluent("n"): 2}),)]
    assert isinstance(answers[1][0], LawError)


def test_what_a_precondition_does_to_the_state_its_effect_does_not_see(sandbox: Sandbox) -> None:
    law = body("return {'wood()': state['wood()']}").replace("return True", "state.clear()\n    return True", 1)
    assert outcomes(sandbox, law)[0].changes == {Fluent("wood"): 3}


REASONS = {
    "syntax": (["x = (", "class A(dict): pass", "def f():\n    yield 1"], ["cannot be read", "plain Python"]),
    "raised": ([body("return {'x()': state['no()']}"), "1 / 0", "", "import os\nos.getenv('HOME')"], ["raised"]),
    "result": (
        [body("return None"), body("return {1, 2}"), body("return {'wood': 1}"), body("return {'x()': 'x' * 10**5}")],
        ["law-"],
    ),
    "time": ([body("while True: pass"), "while True: pass"], ["longer than", "make it do less"]),
    "memory": ([body("return 'x' * 10**11"), "x = 'x' * 10**11"], ["more than 32 MB"]),
    "recursion": ([body("return effect(state, action)")], ["called itself", "write a loop"]),
    "printed": ([body("print('x' * 10**6)"), "while True: print('x' * 1000)"], ["printed more than", "print less"]),
    "host": (
        [body("while True:\n        try: open('x')\n        except Exception: pass")],
        ["files", "only its state and action"],
    ),
}


@pytest.mark.parametrize("reason", REASONS)
def test_an_error_says_why(reason: str, fortress: Sandbox) -> None:
    sources, words = REASONS[reason]
    for source in sources:
        error = fault(fortress, source)
        assert error.reason == reason, error
        assert str(error).startswith(Law(source).id)
        assert len(str(error)) < 500
        assert all(word in str(error) for word in words), error


def test_an_error_names_the_function_and_the_line_and_keeps_what_was_printed(sandbox: Sandbox) -> None:
    error = fault(sandbox, body("print('thinking')\n    return {'x()': state['no()']}"))
    assert "'KeyError: no()' in line 6 of effect" in str(error)
    assert error.printed == "thinking\n"


def test_a_law_that_is_slow_once_is_asked_again_until_patience_ends() -> None:
    law = Law(body("while state['wood()'] % 2: pass\n    return {'n()': state['wood()']}"))
    queries = [Query({Fluent("wood"): number}, Action("look")) for number in (1, 2, 3, 4, 5)]
    with SANDBOXES["monty"](replace(TIGHT, patience=2)) as opened:
        said = opened.run([law, Law(TABLE)], queries)
    kinds = [answer.reason if isinstance(answer, LawError) else "answered" for answer in said[0]]
    assert kinds == ["time", "answered", "time", "abandoned", "abandoned"]
    assert said[1] == [None] * 5


def test_a_closed_sandbox_can_be_closed_again_and_says_so_when_asked() -> None:
    opened = SANDBOXES["monty"](TIGHT)
    opened.close()
    opened.close()
    with pytest.raises(ConfigurationError, match="open another"):
        opened.run([Law(TABLE)], [CRAFT])


def test_without_the_extra_there_is_an_error_with_the_command_and_no_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'agentwm\[sandbox\]'"):
        open_sandbox()


def test_a_worker_that_does_not_start_is_said_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pydantic_monty", reason="needs the [sandbox] extra: pip install 'agentwm[sandbox]'")
    monkeypatch.setenv("MONTY_BIN", str(tmp_path / "missing"))
    with pytest.raises(ConfigurationError, match="does not start"):
        open_sandbox()


def test_importing_laws_and_sandboxes_loads_no_sandbox() -> None:
    code = "import agentwm, agentwm.rules.laws, sys; assert 'agentwm.rules.sandbox' not in sys.modules\n"
    code += "import agentwm.rules.sandbox; assert 'pydantic_monty' not in sys.modules\n"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- a sandbox holds ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host.at(tmp_path_factory.mktemp("host") / "home") as made, pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, SECRET)
        yield made


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.group}-{attack.name}".replace(" ", "-"))
def test_a_hostile_law_harms_nothing(
    attack: Attack, fortress: Sandbox, host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    state = dict(STATE)
    environment, peak, start = dict(os.environ), peak_mb(), time.monotonic()
    answer = ask(fortress, attack.source(host.target), CRAFT._replace(state=state))
    took = time.monotonic() - start
    assert not misdeeds(attack, answer)
    assert not host.damage()
    assert state == STATE
    assert dict(os.environ) == environment
    assert took < TIGHT.time_s + 1
    assert peak_mb() - peak < BALLOON_MB
    assert MARK not in "".join(capfd.readouterr())
    assert ask(fortress, TABLE) == MADE, "a good law still runs"


def test_the_suite_is_large_and_its_attacks_differ() -> None:
    target = Target("/file", "/folder", "VARIABLE", 1)
    assert len(ATTACKS) >= 500
    assert len({attack.source(target) for attack in ATTACKS}) == len(ATTACKS)
    assert len({(attack.group, attack.name) for attack in ATTACKS}) == len(ATTACKS)


def refusal(source: str) -> str:
    """Return what the linter says against ``source``, nothing where it lets it pass."""
    try:
        parse_law(source)
    except RuleError as error:
        return str(error)
    return ""


def test_the_linter_refuses_what_it_can_with_a_message_and_never_breaks() -> None:
    target = Target("/file", "/folder", "VARIABLE", 1)
    refused: dict[str, int] = {}
    for attack in ATTACKS:
        if message := refusal(attack.source(target)):
            assert len(message) < 1000
            refused[attack.group] = refused.get(attack.group, 0) + 1
    assert sum(refused.values()) >= 200
    assert not {"modules", "network", "environment"} - refused.keys()


# --- and plain exec does not -------------------------------------------------------------------------------------------------------

HARMS = ("wrote", "connected", "leaked", "answered", "told the time", "mutated", "printed", "ballooned", "hung", "died")
PER_GROUP = 6
UNSAFE_S = 0.4


class ExecSandbox:
    """What not to do: it runs laws where it stands. For a process that may be lost."""

    name = "exec"

    def run(self, laws: Sequence[Law], queries: Sequence[Query], *, seed: int = 0) -> list[list[Answer]]:
        random.seed(seed)
        return [[self._answer(law, query) for query in queries] for law in laws]

    def close(self) -> None:
        """Hold nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self, law: Law, query: Query) -> Answer:
        names: dict[str, Callable[..., object]] = {}
        action = {"verb": query.action.verb, "args": list(query.action.args)}
        try:
            exec(law.source, names)  # noqa: S102 -- the point of it
            return (
                read_effect(names["effect"](query.state, action))
                if names["precondition"](query.state, action)
                else None
            )
        except LawError as error:
            return error
        except Exception as error:  # noqa: BLE001 -- as above
            return LawError(repr(error)[:1000], reason="raised")


def attacked_by_hand(attack: Attack, target: Target) -> set[str]:
    """Return the harm that ``attack`` does to the very process it is run in."""
    state: dict[str, object] = {str(fluent): value for fluent, value in STATE.items()}
    dear: list[object] = [math.pi, random.random, json.dumps, ValueError.__init__, dict(os.environ)]
    query = Query(cast("Mapping[Fluent, Value]", state), CRAFT.action)  # the very dict that the law sees
    answer = ExecSandbox().run([Law(attack.source(target))], [query])[0][0]
    found = misdeeds(attack, answer)
    now: list[object] = [math.pi, random.random, json.dumps, ValueError.__init__, dict(os.environ)]
    if state != {str(fluent): value for fluent, value in STATE.items()} or dear != now:
        found.add("mutated")
    return found


def attack_exec(groups: Sequence[str], home: Path) -> dict[str, list[str]]:
    """Return, by group and attack, the harm done to children of this process, each of which lives for a moment."""
    done: dict[str, list[str]] = {}
    for attack in (attack for group in groups for attack in unsafe_subset(group)):
        with Host.at(home / str(len(done))) as host:
            done[f"{attack.group}: {attack.name}"] = sorted(_attack_child(attack, host))
    return done


def _attack_child(attack: Attack, host: Host) -> set[str]:
    said, printed = host.home / "said", host.home / "printed"
    child = os.fork()
    if not child:
        _be_attacked(attack, host.target, said, printed)
    deadline, found = time.monotonic() + UNSAFE_S, set()
    while not (ended := os.wait4(child, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            found.add("hung")
            ended = os.wait4(child, 0)
            break
        time.sleep(0.002)
    if "hung" not in found and not said.exists():
        found.add("died")
    if mb(ended[2]) > 200:
        found.add("ballooned")
    if MARK in printed.read_text(errors="replace"):
        found.add("printed")
    return found | host.damage() | set(json.loads(said.read_text()) if said.exists() else ())


def _be_attacked(attack: Attack, target: Target, said: Path, printed: Path) -> None:
    """Be the child: run the attack, write down what it did and end."""
    try:
        stream = os.open(printed, os.O_WRONLY | os.O_CREAT)
        os.dup2(stream, 1)
        os.dup2(stream, 2)
        resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
        resource.setrlimit(resource.RLIMIT_CPU, (3, 3))
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**24, 2**24))
        text = json.dumps(sorted(attacked_by_hand(attack, target)))
        sys.stdout.flush()
        said.write_text(text)
    finally:
        os._exit(0)


def unsafe_subset(group: str) -> list[Attack]:
    """Return the attacks of a group that are tried on exec: evenly drawn, and none that a throw-away process does not keep in."""
    attacks = [attack for attack in ATTACKS if attack.group == group and not attack.is_deadly]
    return attacks[:: -(-len(attacks) // PER_GROUP)]


GROUPS = tuple(dict.fromkeys(attack.group for attack in ATTACKS))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs an operating system that can fork")
def test_the_same_suite_catches_plain_exec(tmp_path: Path) -> None:
    def harm(number: int) -> dict[str, list[str]]:
        home = tmp_path / str(number)
        groups = GROUPS[number::2]
        code = f"import json, pathlib, tests.test_laws as t\nprint(json.dumps(t.attack_exec({groups!r}, pathlib.Path({str(home)!r}))))"
        home.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            cwd=home,
            env={**os.environ, VARIABLE: SECRET, "PYTHONPATH": str(Path(__file__).parents[1])},
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=120,
        )
        return dict(json.loads(done.stdout))

    with ThreadPoolExecutor(2) as pool:  # a process each, for half of the groups
        one, other = pool.map(harm, (0, 1))
    harms = one | other
    harmful = [name for name, found in harms.items() if found]
    kinds = {kind for found in harms.values() for kind in found}
    at_once = [name for name, found in harms.items() if set(found) - {"hung"}]
    assert len(harmful) >= 60, harms
    assert len(at_once) >= 40, harms
    assert kinds >= set(HARMS) - {"ballooned"}, harms  # which takes longer than a busy machine gives it
