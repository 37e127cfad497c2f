"""Looks what became of a thing that an act without visible effect was done to, until such acts hold no more secrets."""

from collections.abc import Sequence

from agentwm.exploration.experiments import Experiments
from agentwm.planners.means_ends import FEW_NODES, MeansEnds
from agentwm.planners.setbacks import Avoid
from agentwm.rules.binding import ground_condition
from agentwm.types import Action, ActionSchema, Plan, State, Transition, Vocabulary

__all__ = ["Inspections"]

# Inspections after which a verb's hidden effects are settled, but for one act in twenty. Chosen on train games.
PROBES_PER_VERB = 4


class Inspections:
    """Plans inspections of what was acted upon."""

    def __init__(self, proposer: MeansEnds, experiments: Experiments, vocabulary: Vocabulary) -> None:
        self._proposer = proposer
        self._experiments = experiments
        self._vocabulary = vocabulary

    def probe(self, state: State, history: Sequence[Transition], avoid: Avoid) -> Plan | None:
        """Return an inspection of the thing last acted upon, if the act showed no effect and its effects are not settled."""
        for transition in reversed(history[-6:]):
            schema = self._vocabulary.actions.get(transition.action.verb)
            if schema is None or schema.inspects:
                if schema is not None and schema.parameters:
                    return None
                continue
            if not transition.succeeded or transition.changed:
                continue
            for thing, sort in zip(transition.action.args, schema.parameters, strict=True):
                if self._has_hidden(sort) and not self._is_settled(transition.action, state):
                    return self._inspect(thing, state, history, avoid)
        return None

    def _has_hidden(self, sort: str) -> bool:
        return any(s.hidden and s.parameters == (sort,) for s in self._vocabulary.fluents.values())

    def _is_settled(self, action: Action, state: State) -> bool:
        """Whether enough acts like this one, upon things of this kind, were looked at afterwards."""
        table = self._experiments.table(action, state)
        if table is None:
            return False
        hidden = {name for name, schema in self._vocabulary.fluents.items() if schema.hidden}
        probed = sum(any(f.name in hidden for f in example.settled) for example in table.rows)
        return probed >= PROBES_PER_VERB and probed >= len(table.rows) // 20

    def _inspect(self, thing: str, state: State, history: Sequence[Transition], avoid: Avoid) -> Plan | None:
        for schema in self._vocabulary.actions.values():
            if not schema.inspects or len(schema.parameters) != 1:
                continue
            action = Action(schema.verb, (thing,))
            if any(t.action == action for t in history[-3:]):
                continue
            table = self._experiments.table(action, state)
            is_known_to_work = table is not None and table.like(table.truths(action, state)) & table.succeeded
            if not is_known_to_work and (history[-1].changed or table is not None):
                plan = self._reach_inspection(schema, thing, state, avoid)
                if plan is not None:
                    return plan
                if history[-1].changed:
                    continue
            return Plan((action,), f"looks what became of {thing}")
        return None

    def _reach_inspection(self, schema: ActionSchema, thing: str, state: State, avoid: Avoid) -> Plan | None:
        """Return a plan to where ``thing`` can be inspected, as the rules have it, and to inspect it."""
        for rule in self._proposer.store.of_verb(schema.verb):
            if rule.predicts_success and len(rule.parameters) == 1:
                context = [ground_condition(c, {rule.parameters[0]: thing}) for c in rule.when]
                plan = self._proposer.reach(state, context, avoid=avoid, most_nodes=FEW_NODES)
                if plan is not None:
                    reason = f"goes to see what became of {thing}"
                    return Plan((*plan.actions, Action(schema.verb, (thing,))), reason)
        return None
