"""Gives roles of the mind to a language model, beside the rules: to predict, to propose, to judge, and to induce rules while learning.

The rules come first in every role. What is asked of the model, and when, is one word: ``never``, ``silent`` (where the rules have
nothing to say) or ``always``.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from agentwm.agent import Episode, Mind
from agentwm.backends.prompts import Prompt
from agentwm.backends.protocol import Backend
from agentwm.configuration import Ask
from agentwm.llm.asking import ReplyCount
from agentwm.llm.critic import LLMCritic
from agentwm.llm.inducer import LLMInducer
from agentwm.llm.notes import EpisodeNotes, Notes
from agentwm.llm.perceiving import Perceiving
from agentwm.llm.proposer import LLMProposer
from agentwm.llm.told import knowledge_lines, scene_lines
from agentwm.llm.words import Answers, thing_lines
from agentwm.llm.world_model import LLMWorldModel
from agentwm.minds import acting_mind
from agentwm.models.rule_model import AlignedModel
from agentwm.planners.weighed import Heeding, InTurn, Weighed
from agentwm.presets import Told
from agentwm.rules.store import RuleStore
from agentwm.types import (
    Action,
    Environment,
    Goal,
    PlannerParts,
    PlannerSpec,
    PlanningBudget,
    Proposer,
    Ration,
    State,
    Trajectory,
    Vocabulary,
)

__all__ = ["LLMMind"]


class LLMMind:
    """A language model in the roles of ``prompts``, episode after episode.

    Its answers are those of ``backend``, to questions put in the words of ``prompts``, a prompt per role. What it foretells is calibrated
    on the episodes that have ended: ``notes`` hold what was foretold in those before. A role without a prompt stays the rules'. ``ration``
    is what holds ``backend`` to the budget of a decision, None for no budget. ``tells`` is what the proposer is told of the world beside
    the goal and the facts; where it ``proposes_alone``, the rules' own plans are not proposed beside its. A judgement is the
    mean of ``votes``.
    """

    def __init__(  # noqa: PLR0913 -- what a mind is made from
        self,
        backend: Backend,
        prompts: Mapping[str, Prompt],
        *,
        ask: Ask = "silent",
        notes: Notes | None = None,
        ration: Ration | None = None,
        tells: Sequence[Told] = ("rules",),
        proposes_alone: bool = False,
        votes: int = 1,
    ) -> None:
        self.backend = backend
        self.prompts = dict(prompts)
        self.ask = ask
        self.notes = notes or Notes()
        self._ration = ration
        self._tells = tells
        self._proposes_alone = proposes_alone
        self._votes = votes
        self._answers = Answers()
        self._world: LLMWorldModel | None = None
        self._roles: dict[str, LLMWorldModel | LLMProposer | LLMCritic] = {}

    def perceiving(self, environment: Environment) -> Environment:
        """Return ``environment`` with what it cannot read itself read by the model, where that is one of its roles."""
        if "perceive" not in self.prompts or self.ask == "never":
            return environment
        return Perceiving(environment, self.backend, self.prompts)

    def note_perceived(self, number: int, environment: Environment) -> None:
        """Note what came of what was read in the episode ``number`` of ``environment``, which has ended."""
        if isinstance(environment, Perceiving):
            self.notes = self.notes.with_perceived(
                number, environment.replies, has_unread_goal=environment.has_unread_goal
            )

    def acting(
        self,
        planner: PlannerSpec,
        rules: RuleStore,
        episode: Episode,
        *,
        rng: random.Random,
        budget: PlanningBudget | None = None,
        max_steps: int | None = None,
    ) -> Mind:
        """Return a mind that acts in ``episode``, which has just begun, by the frozen ``rules`` and the language model."""
        self._begin(rules, episode)
        return acting_mind(planner, rules, episode, rng=rng, budget=budget, max_steps=max_steps, beside=self._beside)

    def _begin(self, rules: RuleStore, episode: Episode) -> None:
        words, prompts = episode.vocabulary, self.prompts
        self._roles = {}
        self._world = None
        if "predict" in prompts:
            self._world = LLMWorldModel(
                self.backend,
                prompts["predict"],
                words,
                rules=rules,
                answers=self._answers,
                calibration=self.notes.calibration,
            )
            self._roles["predict"] = self._world
        if "propose" in prompts:
            self._roles["propose"] = self._proposer(rules, episode)
        if "judge" in prompts:
            self._roles["judge"] = LLMCritic(self.backend, prompts["judge"], words, samples=self._votes)

    def _proposer(self, rules: RuleStore, episode: Episode) -> LLMProposer:
        words, tells = episode.vocabulary, self._tells
        return LLMProposer(
            self.backend,
            self.prompts["propose"],
            words,
            rules=rules if "rules" in tells else RuleStore(),
            # Where the environment lists nothing, an observation's actions are None, which is what the proposer takes for no list.
            listed=lambda: episode.observation.actions,
            knowledge=knowledge_lines(rules) if "knowledge" in tells else None,
            describe=(lambda state: scene_lines(state, words)) if "scene" in tells else thing_lines,
        )

    def _beside(self, parts: PlannerParts, episode: Episode) -> PlannerParts:
        """Return the parts that rules make with the language model in its roles: asked as it is to be, its doubts heeded."""
        if self.ask == "never":
            return parts
        model, critic = parts.model, self._roles.get("judge")
        proposer: Proposer = parts.proposer
        if self._world is not None:
            assert isinstance(model, AlignedModel), "a mind of rules has the model of its rules"
            model = model.asking(self._world, self.ask)
        thinker = self._roles.get("propose")
        if isinstance(thinker, LLMProposer):
            thought: Proposer = Weighed(thinker, model, critic) if isinstance(critic, LLMCritic) else thinker
            if not self._proposes_alone:
                thought = InTurn(thought, proposer) if self.ask == "always" else InTurn(proposer, thought)
            proposer = thought
            parts = replace(parts, policy=thinker)
            if self.ask == "always":
                parts = replace(parts, options=_thought_of(thinker, episode.goal))
        if isinstance(critic, LLMCritic):
            parts = replace(parts, critic=critic)
        if self._world is not None:
            proposer = Heeding(proposer, model)
        return replace(parts, model=model, proposer=proposer, ration=self._ration)

    def induce(
        self, number: int, store: RuleStore, trajectories: Sequence[Trajectory], vocabulary: Vocabulary
    ) -> RuleStore:
        """Return ``store``, learned from ``trajectories``, with what the model proposes on the last, the episode ``number``.

        Only what all of them bear out is added. Nothing is asked where the rules foretell all of the episode, ``always`` or not.

        Raises: BackendError when the model cannot be asked.
        """
        if "induce" not in self.prompts or self.ask == "never":
            return store
        origin = f"llm {self.backend.identity.get('model', '')}"
        inducer = LLMInducer(self.backend, self.prompts["induce"], vocabulary, origin=origin)
        store = inducer.revise(store, trajectories, vocabulary)
        if inducer.count != ReplyCount():
            notes = EpisodeNotes(
                replies={"induce": inducer.count},
                proposals=tuple(inducer.proposals),
                open_questions=tuple(inducer.open_questions),
            )
            self.notes = self.notes.with_episode(number, notes)
        return store

    def conclude(self, number: int, trajectory: Trajectory) -> None:
        """Note what became of what was said in the episode ``number``, which has ended."""
        statements = [self._world.statement(each) for each in trajectory] if self._world is not None else []
        notes = EpisodeNotes(
            replies={role: each.count for role, each in self._roles.items() if each.count != ReplyCount()},
            statements=tuple(each for each in statements if each is not None),
        )
        self.notes = self.notes.with_episode(number, notes)
        self.hear(trajectory)

    def hear(self, trajectory: Trajectory) -> None:
        """Take in how the world words its answers."""
        self._answers.add(trajectory)

    def close(self) -> None:
        """Release the language model. May be called twice."""
        self.backend.close()


def _thought_of(thinker: LLMProposer, goal: Goal) -> Callable[[State], Sequence[Action]]:
    """Return what lists the actions that ``thinker`` would begin with in a state."""
    return lambda state: list(dict.fromkeys(plan.actions[0] for plan in thinker.propose(state, goal)))
