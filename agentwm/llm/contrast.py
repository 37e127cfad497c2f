"""Picks the transitions that a language model is to explain: what the rules did not foretell, each beside the nearest that came otherwise.

Source: contrast decides, not number (ours; in a trial the one rule not recovered had no counterpart among 20 transitions, the others had).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property

from agentwm.induction.credit import Example, examples
from agentwm.induction.evidence import LEAST, happened
from agentwm.llm.words import KIND, SORT, changeable, thing_lines
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.language import format_term
from agentwm.rules.store import RuleStore
from agentwm.types import NOT_ENTITIES, Fluent, Prediction, Query, State, Trajectory, Value, Vocabulary

__all__ = ["Case", "case_lines", "cases_of", "contrasting", "contrasts", "unexplained"]

POSSIBLE = 0.05  # how probable an outcome must be, where everything is answered, for its coming to surprise nobody
LONGEST_ANSWER = 200  # characters of the world's answer that are shown


@dataclass(frozen=True)
class Case:
    """One transition as something to explain: the ``number``-th of all that were lived, with what the world answered.

    ``facts`` are what was known before of the agent, of what the command names and of what these refer to.
    """

    number: int
    example: Example
    answer: str
    facts: State

    @property
    def verb(self) -> str:
        """What was done."""
        return self.example.action.verb

    @cached_property
    def situation(self) -> frozenset[str]:
        """The facts in terms of the command: its arguments by their place, everything else by its kind."""
        return frozenset(self._lifted(self.facts))

    @cached_property
    def outcome(self) -> object:
        """What came of it, in the same terms."""
        example = self.example
        return example.succeeded, frozenset(self._lifted(example.changed)), example.reward, example.ended

    def _lifted(self, facts: State) -> Iterator[str]:
        for fluent, value in facts.items():
            name = f"{fluent.name}({', '.join(map(self._lifted_name, fluent.args))})"
            yield f"{name} = {self._lifted_name(value) if isinstance(value, str) else value}"

    def _lifted_name(self, name: str) -> str:
        args = self.example.action.args
        return f"?{args.index(name)}" if name in args else str(self.example.before.get(Fluent(KIND, (name,)), name))


def cases_of(trajectories: Iterable[Trajectory], vocabulary: Vocabulary) -> list[Case]:
    """Return all that was lived, in order."""
    found: list[Case] = []
    for trajectory in trajectories:
        for example, transition in zip(examples(trajectory, vocabulary), trajectory, strict=True):
            answer = " ".join(transition.observation.text.split())[:LONGEST_ANSWER]
            found.append(Case(len(found), example, answer, _facts(example, vocabulary)))
    return found


def _facts(example: Example, vocabulary: Vocabulary) -> dict[Fluent, Value]:
    """Return what is known of the agent, of what the action names, and of what either of them refers to.

    Source: ours; in a trial the facts about the agent and the command's arguments were enough to find the rules of an altered world.
    """
    state, args = example.before, example.action.args
    derived = [schema for schema in vocabulary.fluents.values() if schema.derive is not None]
    told = {Fluent(each.name): each.derive(state, ()) for each in derived if each.derive and not each.parameters}
    told |= {fluent: value for fluent, value in state.items() if not fluent.args or set(fluent.args) <= set(args)}
    entities = {schema.name for schema in vocabulary.fluents.values() if schema.value not in NOT_ENTITIES}
    near = {*args, *(value for fluent, value in told.items() if fluent.name in entities and isinstance(value, str))}
    told |= {
        Fluent(each.name, (name,)): each.derive(state, (name,))
        for each in derived
        if each.derive and len(each.parameters) == 1
        for name in sorted(near)
    }
    return told | {
        fluent: value
        for fluent, value in state.items()
        if fluent.args and near.issuperset(fluent.args) and (fluent.name != SORT or fluent.args[0] in args)
    }


# --- what wants explaining ----------------------------------------------------------------------------------------------


def unexplained(store: RuleStore, cases: Sequence[Case], vocabulary: Vocabulary) -> set[int]:
    """Return the numbers of those of ``cases`` of which the rules and laws of ``store`` say nothing, or something else than came.

    Raises: MissingExtraError when there are laws and no sandbox is installed.
    """
    with closing(AlignedModel.symbolic(store, vocabulary)) as model:
        predictions = model.predict([Query(case.example.before, case.example.action) for case in cases])
    told = {schema.name for schema in changeable(vocabulary)}
    return {
        case.number
        for case, prediction in zip(cases, predictions, strict=True)
        if prediction.source == "frame" or not _foretells(prediction, case.example, told, vocabulary)
    }


def _foretells(prediction: Prediction, example: Example, told: set[str], vocabulary: Vocabulary) -> bool:
    """Whether ``example`` turned out as was to be expected, with every change of the fluents ``told`` foretold."""
    ways = prediction.outcomes
    expected = (
        [max(ways, key=lambda way: way.probability)]
        if vocabulary.reports_failure
        else [way for way in ways if way.probability >= POSSIBLE]
    )
    changed = {fluent: value for fluent, value in example.changed.items() if fluent.name in told}
    return any(
        happened(way, example, vocabulary) and all(way.changes.get(f, f) == value for f, value in changed.items())
        for way in expected
    )


# --- what is shown ------------------------------------------------------------------------------------------------------


def contrasts(cases: Sequence[Case], puzzles: set[int]) -> int:
    """Return how many of the ``puzzles`` among ``cases`` can be set against one that turned out otherwise than most puzzles did."""
    came = Counter(case.outcome for case in cases if case.number in puzzles)
    usual = max(came, key=lambda outcome: came[outcome], default=None)
    return min(came.total(), sum(case.outcome != usual for case in cases))


def contrasting(cases: Sequence[Case], puzzles: set[int], *, most: int) -> list[Case]:
    """Return at most ``most`` of ``cases``, in order: ``puzzles``, each beside the nearest case that turned out otherwise.

    Of those that turned out alike and in like situations one is enough. Of each way to turn out one may be shown, or as many as leave
    enough to judge rules by: half of them, and `LEAST`.
    """
    counts = Counter(case.outcome for case in cases)
    allowed = {outcome: max(1, min((count + 1) // 2, count - LEAST)) for outcome, count in counts.items()}
    distinct = list({(case.situation, case.outcome): case for case in reversed(cases)}.values())[::-1]
    shown: list[Case] = []

    def may_be_shown(case: Case) -> bool:
        return case not in shown and _alike(case, shown) < allowed[case.outcome]

    while len(shown) < most:
        open_ = [case for case in distinct if case.number in puzzles and may_be_shown(case)]
        if not open_:
            break
        puzzle = min(open_, key=lambda case: (_alike(case, shown), -_distance_to(case, shown), case.number))
        shown.append(puzzle)
        others = [case for case in distinct if case.outcome != puzzle.outcome]
        if others and len(shown) < most:
            partner = min(others, key=lambda case: (_distance(puzzle, case), case.number))
            shown += [partner] if may_be_shown(partner) else []
    return sorted(shown, key=lambda case: case.number)


def _alike(case: Case, shown: Sequence[Case]) -> int:
    return sum(each.outcome == case.outcome for each in shown)


def _distance(one: Case, other: Case) -> int:
    """Return by how many facts two situations differ."""
    return len(one.situation ^ other.situation)


def _distance_to(case: Case, shown: Sequence[Case]) -> int:
    return min((_distance(case, each) for each in shown), default=0)


def case_lines(case: Case, vocabulary: Vocabulary, *, number: int, is_puzzle: bool) -> str:
    """Return ``case`` in words, as the transition that the question calls ``number``."""
    example = case.example
    command = vocabulary.actions[case.verb].render(example.action.args)
    came = "worked" if example.succeeded else "failed"
    if not vocabulary.reports_failure:
        came = "was done"
    lines = [line.removeprefix("- ") for line in thing_lines(case.facts).splitlines()]
    known = "; ".join(line for line in lines if not line.startswith("of each"))  # of which there is nothing to say
    lines = [
        f"{number}. {command}: {came}{', which the rules did not foretell' if is_puzzle else ''}",
        f"   before: {known}",
        f"   answer: {case.answer or '(nothing)'}",
    ]
    changes = sorted(_said(fluent, value) for fluent, value in example.changed.items())  # what was looked at is a set
    changes += [f"reward {example.reward:g}"] if example.reward else []
    changes += ["the end"] if example.ended else []
    lines += [f"   changed: {', '.join(changes)}"] if changes else []
    same = [_said(fluent, value) for fluent, value in _unchanged(example, vocabulary)]
    lines += [f"   looked at afterwards, and unchanged: {', '.join(same)}"] if same else []
    return "\n".join(lines)


def _unchanged(example: Example, vocabulary: Vocabulary) -> Iterator[tuple[Fluent, Value]]:
    """Yield what ordinary texts do not show of the action's arguments, that was looked at and had not changed."""
    for name, schema in vocabulary.fluents.items():
        for arg in example.action.args if schema.hidden and len(schema.parameters) == 1 else ():
            fluent = Fluent(name, (arg,))
            if fluent in example.settled and fluent not in example.changed:
                yield fluent, example.settled[fluent]


def _said(fluent: Fluent, value: Value) -> str:
    return f"{fluent} = {value if isinstance(value, str) else format_term(value)}"
