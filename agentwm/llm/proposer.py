"""The proposer that a language model is: asked for plans, of which only commands that can be given are believed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, Field

from agentwm.backends.prompts import Prompt
from agentwm.backends.protocol import Backend
from agentwm.commands import CommandReader
from agentwm.llm.asking import Asker, ReplyCount
from agentwm.llm.words import NONE, command_lines, fluent_lines, rule_lines, thing_lines
from agentwm.rules.matching import conjunction
from agentwm.rules.store import RuleStore
from agentwm.types import Action, Goal, Plan, Situation, State, Vocabulary

__all__ = ["LLMProposer", "Proposed", "ProposedPlan"]

NO_RULES = RuleStore()
NOTHING_TO_AVOID: Mapping[Action, Sequence[Situation]] = MappingProxyType({})
MOST_PLANS = 3
MOST_STEPS = 6
MOST_LISTED = 150


class ProposedPlan(BaseModel):
    """One plan as a model writes it: commands, and whether the last of them reaches the goal."""

    steps: Annotated[list[Annotated[str, Field(max_length=120)]], Field(min_length=1, max_length=MOST_STEPS)]
    reaches_goal: bool


class Proposed(BaseModel):
    """What a model says is worth trying, the most promising first."""

    why: Annotated[str, Field(max_length=300)]
    plans: Annotated[list[ProposedPlan], Field(min_length=1, max_length=MOST_PLANS)]


class LLMProposer:
    """Proposes plans that a language model thinks of.

    ``listed`` returns the actions that the environment lists at the moment, None where it lists none: a plan begins with one of these. A
    plan is cut before the first command that is none, or names what is not known, and that is counted. ``knowledge`` stands in place of the
    sentences of ``rules``, None for these; ``describe`` writes down a state.
    """

    def __init__(  # noqa: PLR0913 -- what it is told, each by name
        self,
        backend: Backend,
        prompt: Prompt,
        vocabulary: Vocabulary,
        *,
        rules: RuleStore = NO_RULES,
        listed: Callable[[], Sequence[Action] | None] = lambda: None,
        knowledge: str | None = None,
        describe: Callable[[State], str] = thing_lines,
    ) -> None:
        self._vocabulary = vocabulary
        self._rules = rules
        self._listed = listed
        self._describe = describe
        self._reader = CommandReader(vocabulary)
        self._asker = Asker(backend, prompt, Proposed)
        self._stable = {
            "fluents": fluent_lines(vocabulary),
            "commands": command_lines(vocabulary),
            "most_plans": str(MOST_PLANS),
            "most_steps": str(MOST_STEPS),
            "rules": (rule_lines(rules, vocabulary.actions) if knowledge is None else knowledge) or NONE,
        }

    @property
    def count(self) -> ReplyCount:
        """What came of the questions put so far."""
        return self._asker.count

    def propose(
        self, state: State, goal: Goal, *, avoid: Mapping[Action, Sequence[Situation]] = NOTHING_TO_AVOID
    ) -> Iterable[Plan]:
        """Yield the plans that the model thinks of, one command or more each; none where its answer could not be used.

        Raises: BackendError when the model cannot be asked.
        """
        listed = self._listed()
        vain = [action for action, situations in avoid.items() if self._is_now(situations, state)]
        request = self._asker.request(
            {
                **self._stable,
                "goal": goal.text,
                "facts": self._describe(state),
                "listed": "(not known)" if listed is None else self._commands(listed[:MOST_LISTED]),
                "tried": self._commands(vain),
            }
        )
        is_new = self._asker.was_asked(request) is None
        [proposed] = self._asker.ask([request])
        for written in proposed.plans if proposed else ():
            actions = self._read(written.steps, state)
            if is_new:
                self._asker.tell(ReplyCount(dropped=len(written.steps) - len(actions)))
            if actions and actions[0] not in vain and (listed is None or actions[0] in listed):
                is_whole = len(actions) == len(written.steps)
                reason = f"a language model: {proposed.why if proposed else ''}"
                yield Plan(actions, reason, reaches_goal=written.reaches_goal and is_whole, cost=float(len(actions)))

    def _read(self, commands: Sequence[str], state: State) -> tuple[Action, ...]:
        """Return the actions up to the first command that is none."""
        actions = []
        for command in commands:
            action = self._reader.read(command, state)
            if action is None:
                break
            actions.append(action)
        return tuple(actions)

    def _is_now(self, situations: Sequence[Situation], state: State) -> bool:
        return any(conjunction(situation, {}, state, self._vocabulary) for situation in situations)

    def _commands(self, actions: Sequence[Action]) -> str:
        verbs = self._vocabulary.actions
        return "\n".join(f"- {verbs[action.verb].render(action.args)}" for action in actions) or NONE
