"""Where the agent can go and look as things stand: a search over the states that differ in nothing else.

What says where the agent is and looks are the fluents without arguments that refer to things, such as a place or a direction; the verbs
that walk are those of which a rule says that they set nothing but these and other fluents without arguments.

Source: breadth-first search over the learned model; to leave what is handled out of it is ours.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from agentwm.planners.options import ground_actions
from agentwm.rules.index import Read, compiled
from agentwm.rules.language import ANY_ACTION, Rule, fluent_names
from agentwm.types import (
    NOT_ENTITIES,
    Action,
    Condition,
    Fluent,
    Query,
    Ref,
    Some,
    State,
    Term,
    Value,
    Vocabulary,
    WorldModel,
)

__all__ = ["Walks", "Way", "actions_of", "places_of", "walking_rules"]

MOST_PLACES = 1_500  # as many are looked at in one walk: some twenty cells around, four ways to look in each
MOST_LEARNED = 200_000  # what was asked about steps is kept up to so much

Place = tuple[Value, ...]
"""Where the agent is and looks: what each of these fluents is."""

Steps = list[tuple[Action, Place]]
Way = tuple[Action, "Way | None"]


def places_of(rules: Sequence[Rule], vocabulary: Vocabulary) -> tuple[Fluent, ...]:
    """Return the fluents without arguments that ``rules`` set to something that can be referred to."""
    schemas = vocabulary.fluents.values()
    referred = {sort for schema in schemas if schema.is_reference for sort in schema.value.split("|")}
    parameters = [schema.parameters for schema in schemas] + [verb.parameters for verb in vocabulary.actions.values()]
    referred.update(sort for many in parameters for sorts in many for sort in sorts.split("|"))
    referred -= {*NOT_ENTITIES, "any"}
    found = {
        change.target.name: None
        for rule in rules
        if rule.verb != ANY_ACTION
        for outcome in rule.outcomes
        if not any(change.target.args for change in outcome.changes)
        for change in outcome.changes
        if not referred.isdisjoint(vocabulary.fluents[change.target.name].value.split("|"))
    }
    return tuple(map(Fluent, found))


def walking_rules(rules: Sequence[Rule], places: Collection[Fluent]) -> list[Rule]:
    """Return the rules that say how ``places`` change by what changes nothing that has arguments."""
    names = {place.name for place in places}
    return [
        rule
        for rule in rules
        if rule.verb != ANY_ACTION
        and any(
            any(change.target.name in names for change in outcome.changes)
            and not any(change.target.args for change in outcome.changes)
            for outcome in rule.outcomes
        )
    ]


class Walks:
    """Walks in one episode: what was asked once about a step is not asked again until something has changed that matters to it."""

    def __init__(self, rules: Sequence[Rule], places: tuple[Fluent, ...], vocabulary: Vocabulary) -> None:
        walking = walking_rules(rules, places)
        self._places = places
        self._verbs = {rule.verb for rule in walking}
        self._matter = {name for rule in walking for condition in rule.when for name in fluent_names(condition)}
        self._matter -= {place.name for place in places} | vocabulary.counters
        self._vocabulary = vocabulary
        asking = [
            rule for rule in rules if rule.verb in self._verbs or (rule.verb == ANY_ACTION and rule.outcomes[0].ends)
        ]
        self._asked = {verb: _asked(verb, asking, vocabulary) for verb in self._verbs}
        self._is_local = all(map(_asks_of_what_is_near, asking))
        self._learned: dict[object, Place | None] = {}

    def begin(self, model: WorldModel, state: State, *, most_calls: int) -> None:
        """Begin a decision in ``state`` that may ask ``model`` so much."""
        self._model = model
        self._left = most_calls
        self._actions = [each for each in ground_actions(state, self._vocabulary) if each.verb in self._verbs]
        self._known: dict[tuple[object, Place], Steps] = {}
        self._reached: dict[tuple[object, Place], _Reached] = {}
        if not self._is_local or len(self._learned) > MOST_LEARNED:
            self._learned.clear()

    def to(
        self, start: State, changed: Mapping[Fluent, Value], is_there: Callable[[State], bool]
    ) -> list[Action] | None:
        """Return the shortest walk from ``start`` to where it ``is_there``, None where there is none.

        ``changed`` is what is otherwise in it than in the state in which the decision began.
        """
        ground = frozenset(item for item in changed.items() if item[0].name in self._matter)
        work = dict(start)
        here = tuple(work.get(fluent) for fluent in self._places)
        if (ground, here) not in self._reached:
            self._reached[ground, here] = _Reached(here)
        for place, way in self._reached[ground, here].nearest_first(lambda place: self._steps(ground, place, work)):
            work.update(zip(self._places, place, strict=True))
            if is_there(work):
                return list(actions_of(way))
        return None

    def _steps(self, ground: object, place: Place, work: dict[Fluent, Value]) -> Steps:
        steps = self._known.get((ground, place))
        if steps is None:
            work.update(zip(self._places, place, strict=True))
            keys = [
                (action, place, *(read(action.args, work) for read in self._asked[action.verb]))
                for action in self._actions
            ]
            self._ask(keys, place, work)
            leads = [(action, self._learned.get(key)) for action, key in zip(self._actions, keys, strict=True)]
            steps = self._known[ground, place] = [(action, there) for action, there in leads if there is not None]
        return steps

    def _ask(self, keys: Sequence[tuple[Any, ...]], place: Place, work: State) -> None:
        """Find out where the steps lead of which that was not asked yet when all that is asked for them was so: None for nowhere."""
        new = [key for key in keys if key not in self._learned] if self._left > 0 else []
        if not new:
            return
        predictions = self._model.predict([Query(work, key[0]) for key in new])
        self._left -= len(predictions)
        for key, prediction in zip(new, predictions, strict=False):
            likely = prediction.outcomes[0]
            there = tuple(likely.changes.get(fluent, value) for fluent, value in zip(self._places, place, strict=True))
            leads_on = there != place and likely.success and not likely.terminated
            self._learned[key] = there if leads_on else None


class _Reached:
    """The places that can be walked to from one, found as they are asked for."""

    def __init__(self, here: Place) -> None:
        self._found: list[tuple[Place, Way | None]] = [(here, None)]
        self._met = {here}
        self._done = 0

    def nearest_first(self, steps_from: Callable[[Place], Steps]) -> Iterator[tuple[Place, Way | None]]:
        """Yield the places with the way to each."""
        for number, found in enumerate(self._found):
            yield found
            if number == self._done:
                self._done += 1
                place, way = found
                for action, there in steps_from(place):
                    if there not in self._met and len(self._met) < MOST_PLACES:
                        self._met.add(there)
                        self._found.append((there, (action, way)))


def _asks_of_what_is_near(rule: Rule) -> bool:
    """Whether all that ``rule`` asks can be read before the step: of no thing whichever it is, nor of the place that is come to."""
    is_general = any(isinstance(condition.right, Some) for condition in rule.when)
    return not is_general and not any(args for condition in rule.after for args in _arguments_in(condition))


def _arguments_in(condition: Condition) -> Iterator[tuple[Term, ...]]:
    yield from (side.args for side in (condition.left, condition.right) if isinstance(side, Ref))


def _asked(verb: str, rules: Sequence[Rule], vocabulary: Vocabulary) -> list[Read]:
    """Return what reads all that ``rules`` ask before they say what ``verb`` does, and put into what they change."""
    terms = {
        (rule.parameters if rule.verb == verb else (), term): None
        for rule in rules
        if rule.verb in (verb, ANY_ACTION)
        for term in (
            *(side for condition in (*rule.when, *rule.after) for side in (condition.left, condition.right)),
            *(change.value for outcome in rule.outcomes for change in outcome.changes if not change.target.args),
        )
        if isinstance(term, Ref)
    }
    return [compiled(term, parameters, vocabulary) for parameters, term in terms]


def actions_of(way: Way | None) -> tuple[Action, ...]:
    """Return the actions of ``way``, the first one first."""
    actions: list[Action] = []
    while way is not None:
        action, way = way
        actions.append(action)
    return tuple(reversed(actions))
