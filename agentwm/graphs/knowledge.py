"""What is known of a world, as a graph: what an act needs, uses up and makes, what that enables, and where things are found.

An act is what a rule is about, in one context: its verb and, where the rule names it, the kind of the first thing it is done to, or the
sort of the things that a rule about each thing speaks of. Two rules that hold in the same context are one act.

Source: the knowledge graph of WALL-E 2.0 (Zhou et al., 2025), in spirit; that everything is read off the rules, so that it is never out
of step with them, is ours.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from agentwm.graphs.graph import Edge, Graph, Node
from agentwm.rules.language import Change, Rule, fluent_names, format_condition, format_term
from agentwm.rules.matching import compare
from agentwm.rules.store import RuleStore
from agentwm.types import Condition, Ref, Some, Term, Value, Var

__all__ = ["KnowledgeGraph"]

CLASSES = ("kind", "sort")
"""The fluents whose values are kinds of things, which have nodes of their own."""

_DEMANDS = frozenset({"needs", "excludes", "blocked by"})
_ENABLES, _FOUND = "enables", "found in"
_REWARD, _END = "the reward", "the end"


class KnowledgeGraph(Graph):
    """What rules say, and what is known beside them.

    Nodes are acts (``act:make plank``), fluents (``fluent:wood()``), kinds of things (``kind:microwave``) and, as far as rules speak of
    them, ``event:the reward`` and ``event:the end``. An act *needs* what its rules ask for and *excludes* the kinds that they shut out;
    one that fails is *blocked by* what its rules ask for. It *consumes* and *makes* amounts, *makes* facts true, *ends* and *sets* them,
    *pays* and *brings* the end. It *enables* an act one of whose conditions it can make true. A kind of thing is *found in* a kind of
    place.

    The evidence of an edge holds ``rule`` (its id), ``says`` (the condition or change, in full), ``probability`` (0 to 1, of the outcome
    that an edge is about, else of all that change something) and ``supports``. Of an edge *found in* these are no rule, the chance that
    one such place has one, and how many were found.
    """

    backward = _DEMANDS | {"consumes"}
    undrawn = frozenset({_ENABLES})

    @classmethod
    def of(cls, store: RuleStore, verb: str | None = None) -> "KnowledgeGraph":
        """Return what the active rules of ``store``, or those about ``verb`` alone, amount to; retired rules have no part in it.

        With a verb, only finds of the kinds that its rules name are told. A condition that touches no fluent has no edge.
        """
        rules = sorted((rule for rule in store.rules if verb in (None, rule.verb)), key=lambda rule: rule.id)
        acts = _acts(rules)
        edges = [
            edge
            for rule in rules
            for edge in chain(_conditions(rule, acts[rule.id].id), _effects(rule, acts[rule.id].id))
        ]
        edges = [_with_supports(edge, store) for edge in edges] + [
            _with_supports(edge, store) for edge in _enabled(rules, acts)
        ]
        named = {end for edge in edges for end in (edge.source, edge.target)}
        edges += [edge for edge in _found(store) if verb is None or named & {edge.source, edge.target}]
        nodes = {node.id: node for node in acts.values()}
        for end in (end for edge in edges for end in (edge.source, edge.target)):
            sort, label = end.split(":", 1)
            nodes.setdefault(end, Node(end, label, sort))
        return cls(tuple(sorted(nodes.values(), key=lambda node: node.id)), tuple(sorted(edges, key=_order)))

    def caption(self, edge: Edge) -> str:
        """Return what a picture writes on the line of ``edge``: with its probability, where that is a matter of chance."""
        chance = float(edge.evidence.get("probability", 1))
        return str(edge) if edge.relation in _DEMANDS or chance >= 1 else f"{edge} ({chance:.0%})"


def _order(edge: Edge) -> tuple[str, ...]:
    return edge.source, edge.target, edge.relation, edge.detail, str(sorted(edge.evidence.items()))


def _with_supports(edge: Edge, store: RuleStore) -> Edge:
    record = store.record(store.find(str(edge.evidence["rule"])))
    evidence = {**edge.evidence, "supports": record.supports}
    return Edge(edge.source, edge.target, edge.relation, edge.detail, evidence)


def _evidence(rule: Rule, says: str, probability: float) -> dict[str, str | float]:
    return {"rule": rule.id, "says": says, "probability": probability}


# --- acts ------------------------------------------------------------------------------------------------------


def _acts(rules: Sequence[Rule]) -> dict[str, Node]:
    """Return the act of each rule, by the rule's id; acts of one name in different contexts are numbered from the second on."""
    contexts: dict[str, list[object]] = {}
    acts: dict[str, Node] = {}
    for rule in rules:
        name = " ".join((rule.verb, *_object_kinds(rule))) + (f", each {rule.each.sort}" if rule.each else "")
        context = frozenset(map(format_condition, rule.when)), frozenset(map(format_condition, rule.after))
        known = contexts.setdefault(name, [])
        if context not in known:
            known.append(context)
        number = known.index(context) + 1
        acts[rule.id] = Node(f"act:{name}" if number == 1 else f"act:{name} ({number})", name, "act")
    return acts


def _object_kinds(rule: Rule) -> list[str]:
    """Return the kind of the first thing that the rule is about, or the few it may be of, as one phrase; nothing where any will do."""
    for condition in rule.when:
        if _is_about_object(condition, rule):
            return [_either(_kinds(condition))]
    return []


def _is_about_object(condition: Condition, rule: Rule) -> bool:
    return bool(
        rule.parameters
        and condition.left == Ref(CLASSES[0], (Var(rule.parameters[0]),))
        and condition.op in ("==", "in")
        and _kinds(condition)
    )


def _kinds(condition: Condition) -> list[str]:
    """Return the kinds that a condition compares the kind of something with; none where it does no such thing."""
    if not isinstance(condition.left, Ref) or condition.left.name not in CLASSES or len(condition.left.args) != 1:
        return []
    right = condition.right
    if isinstance(right, tuple) and not isinstance(right, Var | Ref | Some):
        return [str(kind) for kind in right]
    return [right] if isinstance(right, str) else []


def _either(kinds: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(kinds[:-1]), kinds[-1])))


# --- what a rule says ------------------------------------------------------------------------------------------


def _conditions(rule: Rule, act: str) -> Iterator[Edge]:
    """Yield what the rule asks for."""
    relation = "needs" if any(outcome.success for outcome in rule.outcomes) else "blocked by"
    chance = sum(o.probability for o in rule.outcomes if o.changes or o.ends or o.reward is not None or not o.success)
    timed = [(condition, "") for condition in rule.when] + [(condition, ", afterwards") for condition in rule.after]
    for condition, when in timed:
        evidence = _evidence(rule, format_condition(condition) + when, round(chance, 6))
        if not (when == "" and _is_about_object(condition, rule)):
            for target, is_shut_out, detail in _asked_for(condition):
                if is_shut_out and relation == "needs":
                    yield Edge(act, target, "excludes", detail + when, evidence)
                else:
                    yield Edge(act, target, relation, f"{'others ' * is_shut_out}{detail}{when}", evidence)


def _asked_for(condition: Condition) -> Iterator[tuple[str, bool, str]]:
    """Yield the nodes that a condition is about: (id, whether it is shut out, detail)."""
    touched = list(dict.fromkeys(fluent_names(condition)))
    if kinds := _kinds(condition):
        assert isinstance(condition.left, Ref)
        which = f"for {format_term(condition.left.args[0])}"
        detail = f"one of {len(kinds)}, {which}" if len(kinds) > 1 and condition.op == "in" else which
        for kind in kinds:
            yield f"kind:{kind}", condition.op in ("!=", "notin"), detail
    named = [name for name in touched if name not in CLASSES]
    for name in named or ([] if kinds else touched):
        yield _fluent(name, condition), False, _demand(condition, name)


def _demand(condition: Condition, name: str) -> str:
    """Return what a condition asks of the fluent ``name``, in as few words as are clear."""
    left, _, right = condition
    is_plain = isinstance(left, Ref) and left.name == name and all(isinstance(arg, Var) for arg in left.args)
    if not is_plain or isinstance(right, Ref | Some):
        return format_condition(condition)
    words = format_condition(condition).removeprefix(format_term(left) + " ")
    return words.removeprefix("is ") if condition.op in ("<", ">") else words


def _effects(rule: Rule, act: str) -> Iterator[Edge]:
    """Yield what the rule's outcomes bring."""
    for outcome in rule.outcomes:
        for change in outcome.changes:
            relation, detail = _effect(change)
            yield Edge(
                act,
                _fluent(change.target.name, change.target),
                relation,
                detail,
                _evidence(rule, str(change), outcome.probability),
            )
        if outcome.reward is not None:
            paid = format_term(outcome.reward)
            yield Edge(act, f"event:{_REWARD}", "pays", paid, _evidence(rule, f"reward {paid}", outcome.probability))
        if outcome.ends:
            yield Edge(act, f"event:{_END}", "brings", "", _evidence(rule, _END, outcome.probability))


def _effect(change: Change) -> tuple[str, str]:
    """Return the relation and the detail that a change amounts to."""
    value = change.value
    if change.adds and isinstance(value, int | float):
        return ("consumes", format_term(-value)) if value < 0 else ("makes", format_term(value))
    if change.adds:
        return "makes", format_term(value)
    if value is True:
        return "makes", ""
    return ("ends", "") if value is None or value is False else ("sets", f"to {format_term(value)}")


def _fluent(name: str, term: Term | Condition) -> str:
    """Return the id of the fluent's node; a fluent without arguments is named with its brackets, as in a rule."""
    return f"fluent:{name}" if any(ref.args for ref in _references(term) if ref.name == name) else f"fluent:{name}()"


def _references(term: object) -> Iterator[Ref]:
    if isinstance(term, Ref):
        yield term
        for arg in term.args:
            yield from _references(arg)
    elif isinstance(term, Condition):
        yield from _references(term.left)
        yield from _references(term.right)
    elif isinstance(term, Some):
        for condition in term.conditions:
            yield from _references(condition)


# --- what follows from it ----------------------------------------------------------------------------------------


def _enabled(rules: Sequence[Rule], acts: dict[str, Node]) -> Iterator[Edge]:
    """Yield which act can make a condition of which other act true, once for each two acts, rule and fluent."""
    conditions = [(acts[rule.id].id, condition) for rule in rules for condition in rule.when]
    for rule in rules:
        act = acts[rule.id].id
        for outcome in rule.outcomes:
            helped = {
                (other, change.target.name): change
                for change in outcome.changes
                for other, condition in conditions
                if other != act and _can_fulfil(change, condition)
            }
            for (other, name), change in helped.items():
                evidence = _evidence(rule, str(change), outcome.probability)
                yield Edge(act, other, _ENABLES, f"by {name}", evidence)


def _can_fulfil(change: Change, condition: Condition) -> bool:
    """Whether ``change`` may make ``condition`` true; what it changes is taken to be what the condition asks about."""
    left, op, right = condition
    if change.target.name not in fluent_names(condition):
        return False
    is_plain = isinstance(left, Ref) and left.name == change.target.name and not isinstance(right, Var | Ref | Some)
    if not is_plain:
        return True
    if change.adds:
        return not isinstance(change.value, int | float) or op not in ("<", ">") or (change.value > 0) == (op == ">")
    if isinstance(change.value, Var | Ref) or op in ("known", "unknown"):
        return op != "unknown"
    return compare(change.value, op, _constant(right)) is not False


def _constant(right: object) -> Value | tuple[Value, ...]:
    assert right is None or isinstance(right, str | int | float | tuple)
    return right


def _found(store: RuleStore) -> Iterable[Edge]:
    """Yield where kinds of things were found."""
    for thing, places in store.knowledge.found.items():
        for place, number in places.items():
            chance = round(store.knowledge.chance(thing, place), 6)
            evidence: dict[str, str | int | float] = {
                "rule": "",
                "says": f"{number} found",
                "probability": chance,
                "supports": number,
            }
            if number:
                yield Edge(
                    f"kind:{thing}", f"kind:{place}", _FOUND, "once" if number == 1 else f"{number} times", evidence
                )
