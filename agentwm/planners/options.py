"""What can be done: what the environment lists as admissible, what can be composed of verbs and things, what the rules allow."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product

from agentwm.rules.binding import Cast
from agentwm.rules.index import Test, compiled_test
from agentwm.rules.language import Rule, variables
from agentwm.rules.store import RuleStore
from agentwm.types import Action, Observation, State, Transition, Vocabulary

__all__ = ["Options", "applicable_actions", "ground_actions", "listed_actions"]

Options = Callable[[State], Sequence[Action]]


def listed_actions(opening: Observation | None, history: Sequence[Transition]) -> tuple[Action, ...] | None:
    """Return the actions that the latest observation lists, ``opening`` being the first one of the episode.

    None where it lists none, or where ``opening`` is None: the list is not wanted.
    """
    if opening is None:
        return None
    return history[-1].observation.actions if history else opening.actions


def ground_actions(state: State, vocabulary: Vocabulary) -> list[Action]:
    """Return every action that can be composed of the vocabulary's verbs and the things of ``state``, in a fixed order."""
    if not any(schema.parameters for schema in vocabulary.actions.values()):
        return [Action(verb) for verb in vocabulary.actions]
    things: dict[str, list[str]] = {}
    for fluent, value in state.items():
        if fluent.name == "sort":
            things.setdefault(str(value), []).append(fluent.args[0])
            things.setdefault("any", []).append(fluent.args[0])
    return [
        Action(schema.verb, args)
        for schema in vocabulary.actions.values()
        for args in product(*([t for s in sort.split("|") for t in things.get(s, ())] for sort in schema.parameters))
    ]


def applicable_actions(store: RuleStore, vocabulary: Vocabulary) -> Options:
    """Return a function from a state to the actions that some rule of ``store`` foretells to succeed there, and to change something."""
    enablers = [
        _Enabler(rule, vocabulary)
        for rule in store.rules
        if rule.verb in vocabulary.actions
        and rule.predicts_success
        and not rule.each
        and len(rule.parameters) == len(vocabulary.actions[rule.verb].parameters)
        and any(outcome.changes or outcome.reward for outcome in rule.outcomes)
    ]

    def options(state: State) -> list[Action]:
        cast = Cast(state)
        return list(dict.fromkeys(action for each in enablers for action in each.actions(state, cast)))

    return options


class _Enabler:
    """A rule of success, made ready to list the actions that it speaks of.

    Conditions are tested as soon as all that they are about is bound, so that few of the many combinations are ever formed.
    """

    def __init__(self, rule: Rule, vocabulary: Vocabulary) -> None:
        self._verb = rule.verb
        self._sorts = [sort.split("|") for sort in vocabulary.actions[rule.verb].parameters]
        self._tests: list[list[Test]] = [[] for _ in range(len(rule.parameters) + 1)]
        self._own: list[list[Test]] = [[] for _ in rule.parameters]
        for condition in rule.when:
            places = [rule.parameters.index(name) for name in set(variables(condition)) if name in rule.parameters]
            test = compiled_test(condition, rule.parameters, vocabulary)
            if len(places) == 1:
                self._own[places[0]].append(test)
            else:
                self._tests[max(places, default=-1) + 1].append(test)

    def actions(self, state: State, cast: Cast) -> Iterator[Action]:
        number = len(self._sorts)
        blank = ("",) * number
        if any(test(blank, state) is not True for test in self._tests[0]):
            return
        choices = []
        for place, (sorts, own) in enumerate(zip(self._sorts, self._own, strict=True)):
            things = list(cast.sorts) if "any" in sorts else [t for sort in sorts for t in cast.by_sort.get(sort, ())]
            before, behind = blank[:place], blank[place + 1 :]
            fitting = [t for t in things if all(test((*before, t, *behind), state) is True for test in own)]
            if not fitting:
                return
            choices.append(fitting)
        yield from (Action(self._verb, args) for args in self._bound((), choices, state))

    def _bound(
        self, args: tuple[str, ...], choices: Sequence[Sequence[str]], state: State
    ) -> Iterator[tuple[str, ...]]:
        if len(args) == len(choices):
            yield args
            return
        tests = self._tests[len(args) + 1]
        rest = ("",) * (len(choices) - len(args) - 1)
        for thing in choices[len(args)]:
            bound = (*args, thing)
            if all(test((*bound, *rest), state) is True for test in tests):
                yield from self._bound(bound, choices, state)
