"""What is worth trying again: where a rule speaks that failed although it had long been right, each time in another state.

Did it fail because the world has changed, it will fail there, too; did it fail for some rare circumstance, it will be right.
"""

from agentwm.induction.breaks import Breaks
from agentwm.rules.language import ANY_ACTION, Rule
from agentwm.rules.matching import conjunction, instances
from agentwm.rules.store import RuleStore
from agentwm.types import Action, State, Transition, Vocabulary

__all__ = ["Retrials"]

TRIALS = 8  # of each such rule


class Retrials:
    """The rules that are to be tried again, and how often."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._clocks = vocabulary.counters
        self._breaks = Breaks()
        self._asked: dict[Rule, int] = {}
        self._tried: set[object] = set()

    def note(self, transition: Transition, rules: RuleStore) -> bool:
        """Take note of one transition, foretold by some of ``rules``; return whether one of them failed that had long been right."""
        state, action = transition.before, transition.action
        for rule in self._speaking(action, state):
            self._asked[rule] -= 1
            self._tried.add(self._trial(action, state))
            if not self._asked[rule]:
                del self._asked[rule]
        broken = self._breaks.note(transition)
        for rule in (*rules.rules, *rules.retired) if broken else ():
            if rule.id in broken and rule.verb != ANY_ACTION:
                self._asked.setdefault(rule, TRIALS)
                self._tried.add(self._trial(action, state))
        return bool(broken)

    def are_tried_by(self, action: Action, state: State) -> bool:
        """Whether ``action`` in ``state`` would be such a trial."""
        return bool(self._speaking(action, state)) and self._trial(action, state) not in self._tried

    def _speaking(self, action: Action, state: State) -> list[Rule]:
        return [
            rule
            for rule in self._asked
            if any(
                conjunction(rule.when, bindings, state, self._vocabulary) for bindings in instances(rule, action, state)
            )
        ]

    def _trial(self, action: Action, state: State) -> object:
        return action, frozenset((f, v) for f, v in state.items() if f.name not in self._clocks)
