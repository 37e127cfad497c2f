"""The examples of what a verb changes, thing by thing: what there is to be explained, and all that can be said of it.

Each *slot* (``wood()``, ``open(?d)``, the reward, the end) turns out one way or another in each example; `growth` finds out in which
contexts.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from agentwm.induction.breaks import Window
from agentwm.induction.credit import Example
from agentwm.induction.features import Bits, Features, accepts
from agentwm.induction.slots import Slot
from agentwm.rules.language import Each
from agentwm.rules.matching import Unknown, look_up
from agentwm.types import Condition, Fluent, Ref, Term, Value, Var, Vocabulary

__all__ = ["END", "REWARD", "EffectTable"]

REWARD, END = "reward of the action", "end of the episode"
"""Slots that are no fluents: names with spaces in them, so that they are none."""


class EffectTable:
    """The examples of one verb (or, for what happens whatever is done, of all).

    With ``each``, an example is of one such thing beside those that the action names, and what is learned is what happens to it.
    ``accounted`` are, per slot, the examples whose change is well known to come whatever is done, or came by itself, by the latest rules.
    """

    def __init__(
        self,
        verb: str,
        parameters: Sequence[str],
        sorts: Sequence[str],
        vocabulary: Vocabulary,
        *,
        each: Each | None = None,
    ) -> None:
        self.verb = verb
        self.parameters = tuple(parameters)
        self.of_sorts = tuple(_of_sorts(verb, parameters, sorts, vocabulary))
        self.each = each
        self.vocabulary = vocabulary
        names = (*parameters, each.variable) if each else self.parameters
        sorts = (*sorts, each.sort) if each else sorts
        self.before = Features(names, sorts, vocabulary)
        self.after = Features(names, sorts, vocabulary, arrives=True)
        self.slots: dict[str, Slot] = {}
        self.verbs: dict[str, Bits] = {}
        self.number = 0
        self.suspected: Sequence[Window] = ()
        self.accounted: Mapping[str, int] = {}
        for name in () if each else (REWARD, END):
            self.slots[name] = Slot(Ref(name))
        self._copied: dict[str, list[Term]] = {}
        for target in self._targets():
            self.slots[str(target)] = Slot(target)
            sort = vocabulary.fluents[target.name].value
            self._copied[str(target)] = [
                term
                for term, of in self.before.typed
                if term != target and sort not in ("bool", "number") and accepts(sort, of)
            ]

    def _targets(self) -> Iterator[Ref]:
        """Yield what could change: fluents without arguments, and those of what can be referred to; or only those of each thing."""
        fluents = [schema for schema in self.vocabulary.fluents.values() if schema.is_seen_to_change]
        for schema in fluents if not self.each else ():
            if not schema.parameters and schema.counts_since is None:
                yield Ref(schema.name)
        entities = [term for term, _ in self.before.typed]
        unary = {s.name for s in fluents if len(s.parameters) == 1}
        for term in entities:
            if (
                isinstance(term, Ref)
                and term.name in unary
                and (not self.each or term.args == (Var(self.each.variable),))
            ):
                yield term

    def append(self, example: Example, thing: str = "") -> Collection[object]:
        """Add one example: with ``thing``, of what happened to that. Return what its terms refer to."""
        index, self.number = self.number, self.number + 1
        if example.action.verb not in self.verbs:
            self.verbs[example.action.verb] = Bits()
        self.verbs[example.action.verb].set(index)
        args = example.action.args if self.parameters else ()
        args = (*args, thing) if self.each else args
        values = self.before.append(index, args, example.before)
        if not self.each:
            self.after.append(index, args, example.settled)
            self.slots[REWARD].append(index, 0.0, example.reward, {})
            self.slots[END].append(index, False, example.ended, {})
        for name, slot in self.slots.items():
            if name in (REWARD, END):
                continue
            fluent = self._ground(slot.target, values)
            if fluent is None:
                continue
            was, now = values[slot.target], look_up(fluent, example.settled, self.vocabulary)
            if isinstance(was, Unknown) or isinstance(now, Unknown):
                continue
            if was != now and fluent not in example.changed:
                continue  # it came by itself, so that this example does not show what the action does to it
            slot.append(index, was, now, {t: values[t] for t in self._copied[name] if self._may_copy(t, values[t])})
        return values.values()

    def _ground(self, target: Ref, values: Mapping[Term, Value | Unknown]) -> Fluent | None:
        args = []
        for term in target.args:
            value = values[term]
            if isinstance(value, Unknown) or value is None:
                return None
            args.append(str(value))
        return Fluent(target.name, tuple(args))

    def _may_copy(self, term: Term, value: Value | Unknown) -> bool:
        """Whether what ``term`` refers to could be put somewhere: a reference to no place may, and then nothing moves."""
        if isinstance(value, Unknown):
            return False
        is_reference = isinstance(term, Ref) and self.vocabulary.fluents[term.name].is_reference
        return value is not None or is_reference


def _of_sorts(
    verb: str, parameters: Sequence[str], sorts: Sequence[str], vocabulary: Vocabulary
) -> Iterator[Condition]:
    """Yield which of the sorts that ``verb`` takes are meant: clicking a button does something else than clicking a box."""
    schema = vocabulary.actions.get(verb)
    for name, sort, declared in zip(parameters, sorts, schema.parameters if schema else (), strict=False):
        if sort not in (declared, "any"):
            yield Condition(Ref("sort", (Var(name),)), "==", sort)
