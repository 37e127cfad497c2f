"""Where the agent can go and look as things stand: a search over the states that differ in nothing else.

What says where the agent is and looks are the fluents without arguments that refer to things, such as a place or a direction; the verbs
that walk are those of which a rule says that they set nothing but these and other fluents without arguments.

Source: breadth-first search over the learned model; to leave what is handled out of it is ours.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from agentwm.planners.options import ground_actions
from agentwm.rules.language import ANY_ACTION, Rule, fluent_names
from agentwm.types import NOT_ENTITIES, Action, Fluent, Query, State, Value, Vocabulary, WorldModel

__all__ = ["Walks", "places_of", "walking_rules"]

MOST_PLACES = 700  # as many are looked at in one walk

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
    """Walks in one decision: what was asked once about a step is not asked again while nothing has changed that matters to walking."""

    def __init__(self, rules: Sequence[Rule], places: tuple[Fluent, ...], vocabulary: Vocabulary) -> None:
        walking = walking_rules(rules, places)
        self._places = places
        self._verbs = {rule.verb for rule in walking}
        self._matter = {name for rule in walking for condition in rule.when for name in fluent_names(condition)}
        self._matter -= {place.name for place in places} | vocabulary.counters
        self._vocabulary = vocabulary

    def begin(self, model: WorldModel, state: State, *, most_calls: int) -> None:
        """Begin a decision in ``state`` that may ask ``model`` so much."""
        self._model = model
        self._left = most_calls
        self._actions = [each for each in ground_actions(state, self._vocabulary) if each.verb in self._verbs]
        self._known: dict[tuple[object, Place], Steps] = {}

    def to(
        self, start: State, changed: Mapping[Fluent, Value], is_there: Callable[[State], bool]
    ) -> list[Action] | None:
        """Return the shortest walk from ``start`` to where it ``is_there``, None where there is none.

        ``changed`` is what is otherwise in it than in the state in which the decision began.
        """
        ground = frozenset(item for item in changed.items() if item[0].name in self._matter)
        work = dict(start)
        for place, way in self._reached(ground, work):
            work.update(zip(self._places, place, strict=True))
            if is_there(work):
                return _actions(way)
        return None

    def _reached(self, ground: object, work: dict[Fluent, Value]) -> Iterator[tuple[Place, Way | None]]:
        here = tuple(work.get(fluent) for fluent in self._places)
        met = {here}
        frontier: list[tuple[Place, Way | None]] = [(here, None)]
        yield frontier[0]
        for place, way in frontier:
            for action, there in self._steps(ground, place, work):
                if there not in met and len(met) < MOST_PLACES:
                    met.add(there)
                    frontier.append((there, (action, way)))
                    yield frontier[-1]

    def _steps(self, ground: object, place: Place, work: dict[Fluent, Value]) -> Steps:
        steps = self._known.get((ground, place))
        if steps is not None:
            return steps
        if self._left <= 0:
            return []
        work.update(zip(self._places, place, strict=True))
        predictions = self._model.predict([Query(work, action) for action in self._actions])
        self._left -= len(predictions)
        steps = self._known[ground, place] = []
        for action, prediction in zip(self._actions, predictions, strict=False):
            likely = prediction.outcomes[0]
            there = tuple(likely.changes.get(fluent, value) for fluent, value in zip(self._places, place, strict=True))
            if there != place and likely.success and not likely.terminated:
                steps.append((action, there))
        return steps


def _actions(way: Way | None) -> list[Action]:
    actions: list[Action] = []
    while way is not None:
        action, way = way
        actions.append(action)
    actions.reverse()
    return actions
