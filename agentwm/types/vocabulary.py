"""What an environment declares: the fluents and verbs that there are, and what goals can be said of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from agentwm.types.values import Condition, Fluent, State, Value

__all__ = ["NOT_ENTITIES", "ActionSchema", "Derive", "FluentSchema", "Gap", "Goal", "GoalShape", "Vocabulary"]

NOT_ENTITIES = frozenset({"bool", "kind", "number", "sort"})
"""The sorts whose values are not names of things."""


@dataclass(frozen=True, slots=True)
class FluentSchema:
    """Declares a fluent: the sorts of its arguments and of its value.

    ``default`` is believed until something else is seen, where ``has_default`` is set. A ``static`` fluent
    never changes, so what is learned of it late holds for the whole episode. A ``hidden`` fluent is shown by
    no ordinary observation, only by an inspecting action. A parameter may accept several sorts: ``a|b``.

    A fluent with ``derive`` stands in no state: ``derive(state, args)`` returns its value there. A ``is_reference`` fluent points from one
    place to another ("the cell ahead"): where it is None there is no such place, and what would be moved there stays where it is.
    ``counts_since`` names another fluent: this one is the number of actions since that one last changed, and is kept up by the agent.
    ``about`` says in words what it means, for whoever reads texts into facts.
    """

    name: str
    parameters: tuple[str, ...]
    value: str
    default: Value = None
    has_default: bool = False
    static: bool = False
    hidden: bool = False
    derive: "Derive | None" = None
    is_reference: bool = False
    counts_since: str | None = None
    about: str = ""

    @property
    def is_seen_to_change(self) -> bool:
        """Whether it stands in states, may change there, and ordinary observations show when it does."""
        return not self.static and not self.hidden and self.derive is None


Derive = Callable[[State, tuple[str, ...]], Value]


@dataclass(frozen=True, slots=True)
class ActionSchema:
    """Declares a verb, the sorts of its arguments and how a command with it is written.

    ``template`` holds ``{0}``, ``{1}`` … for the arguments. ``inspects`` marks a verb that the environment's own
    help describes as looking only.
    """

    verb: str
    parameters: tuple[str, ...]
    template: str
    inspects: bool = False

    def render(self, args: Sequence[str]) -> str:
        """Return the command as the environment expects it."""
        return self.template.format(*args)


class Gap(NamedTuple):
    """What may fill a gap in the shape of a goal: one of ``words``; where there are none, any kind of ``sort`` known at the start."""

    name: str
    words: tuple[str, ...] = ()
    sort: str | None = None


@dataclass(frozen=True, slots=True)
class GoalShape:
    """One shape that goals of an environment have, for whoever reads goals in people's own words.

    ``text`` says it in words, with its gaps in braces: ``a hot {thing} is on a {place}``. In ``conditions`` the string ``{thing}``, alone
    on the right of one, stands for what fills the gap. A gap is the same in all shapes that have one of its name.
    """

    name: str
    text: str
    conditions: tuple["Condition", ...]
    gaps: tuple[Gap, ...] = ()

    def filled(self, words: Mapping[str, str]) -> tuple["Condition", ...]:
        """Return the conditions with ``words``, one per gap by its name, in the gaps."""
        fillings: dict[object, str] = {f"{{{gap.name}}}": words[gap.name] for gap in self.gaps}
        return tuple(each._replace(right=fillings.get(each.right, each.right)) for each in self.conditions)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything that can be said of an environment: its fluents and its verbs, not its dynamics.

    Sorts are plain words. ``any`` stands for every sort of entity; ``bool``, ``kind`` and ``number`` are not entities.
    An entity's sort and kind are the static fluents ``sort(x)`` and ``kind(x)``. ``location`` names the fluent that says where a
    thing is, ``explored`` the one that says that everything in a place has been seen; None where there is no such fluent. An
    environment that answers every action, and never says that one failed, does not report failure. ``goals`` are the shapes that
    goals have, where they can be said.
    """

    fluents: Mapping[str, FluentSchema]
    actions: Mapping[str, ActionSchema]
    location: str | None = None
    explored: str | None = None
    reports_failure: bool = True
    goals: tuple[GoalShape, ...] = ()

    @property
    def counters(self) -> frozenset[str]:
        """The names of the fluents that count the actions since another one changed."""
        return frozenset(name for name, schema in self.fluents.items() if schema.counts_since is not None)

    def default(self, fluent: Fluent) -> Value:
        """Return the declared default of ``fluent``; raise ``KeyError`` where it has none."""
        schema = self.fluents.get(fluent.name)
        if schema is None or not schema.has_default:
            raise KeyError(fluent)
        return schema.default


@dataclass(frozen=True, slots=True)
class Goal:
    """What the episode asks for: its text and, when they could be read, conditions over a state.

    Variables in the conditions are existential; different variables stand for different entities.
    ``conditions`` is empty when the text could not be read. What is to be reached one after another stands in ``then``: the conditions of
    each further part, in order. A part is reached by an action: what is so at the start counts for nothing.
    """

    text: str
    conditions: tuple[Condition, ...] = ()
    then: tuple[tuple[Condition, ...], ...] = ()

    @property
    def rest(self) -> "Goal":
        """What is left once ``conditions`` are reached; only where there is a further part."""
        return Goal(self.text, self.then[0], self.then[1:])
