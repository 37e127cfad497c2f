"""Named mixtures of the roles: how published agents are put together from the parts that are here, and where they differ from the papers.

A preset only fills in what was not given. All of them play by the same rules, learned or given, in the same loop and within the same
budget, so that what is compared is how they decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from agentwm.errors import ConfigurationError, quoted
from agentwm.types import PlanningBudget

__all__ = ["PRESETS", "Ask", "Preset", "Role", "Told", "filled", "preset"]

# The words that presets are made of; the configuration of a run is written in them, too.
Ask = Literal["never", "silent", "always"]
Role = Literal["perceive", "predict", "propose", "judge", "induce"]
Told = Literal["rules", "knowledge", "scene"]

# Roles that have no part in deciding: whoever wants them beside a preset contradicts nothing.
_BESIDE: frozenset[Role] = frozenset({"perceive", "induce"})


@dataclass(frozen=True, slots=True)
class Preset:
    """One mixture.

    ``source`` is the paper, ``differs`` what is not as there. ``ask`` and ``roles`` are of the language model, None and empty where none
    is asked. It is told ``tells`` when it proposes: the ``rules`` as sentences, the ``knowledge`` graph that they amount to, the ``scene``
    as a graph. Where it ``proposes_alone``, the rules' own plans are not proposed beside its. A judgement is the mean of ``votes``.

    ``budget`` is for a decision to which nobody gave another; its depth, how far is looked ahead, belongs to the method, and holds where
    the other has none.
    """

    name: str
    summary: str
    source: str
    differs: str
    planner: str
    ask: Ask | None = None
    roles: tuple[Role, ...] = ()
    tells: tuple[Told, ...] = ("rules",)
    proposes_alone: bool = False
    votes: int = 1
    budget: PlanningBudget = field(default_factory=PlanningBudget)

    @property
    def needs_model(self) -> bool:
        """Whether it takes a language model."""
        return bool(self.roles)


_ALL = (
    Preset(
        "agentwm",
        "plans to the goal in the learned model, mends the plan where that says it fails, and plans again when surprised",
        "ours: the default",
        "nothing",
        planner="mpc",
    ),
    Preset(
        "react",
        "a language model says what to do next, and that is done",
        "Yao et al. (2023), ReAct, arXiv 2210.03629",
        "the model is told what is believed, and not the transcript; what failed in vain is listed; there are no worked examples in the "
        "prompt",
        planner="reactive",
        ask="always",
        roles=("propose",),
        tells=(),
        proposes_alone=True,
    ),
    Preset(
        "reflexion",
        "as react, with what was learned from earlier episodes in the prompt",
        "Shinn et al. (2023), Reflexion, arXiv 2303.11366",
        "what is carried over are rules that the evidence bears out, learned from other tasks, lost and won; the paper carries free text, "
        "written by the model after losing, into the next attempt at the same task. Here every task is attempted once. Learning with "
        "--roles propose,induce lets the model write the rules",
        planner="reactive",
        ask="always",
        roles=("propose",),
        proposes_alone=True,
    ),
    Preset(
        "walle",
        "a language model proposes, rules veto what they foretell to fail; one step ahead",
        "Zhou et al. (2024), WALL-E, arXiv 2410.07484",
        "after a veto the model's next proposal is taken, and it is not asked again with the reason; the rules are learned without a model "
        "and retired on evidence, not at their first error; no model predicts, as there its answer is overruled by the rules in any case",
        planner="veto",
        ask="always",
        roles=("propose",),
        tells=(),
        proposes_alone=True,
    ),
    Preset(
        "walle2",
        "as walle, with a knowledge graph and a scene graph in the prompt",
        "Zhou et al. (2025), WALL-E 2.0, arXiv 2504.15785",
        "as walle; the knowledge graph is read off the rules, and the scene graph is of this attempt alone: nothing of the place is "
        "carried over from earlier attempts",
        planner="veto",
        ask="always",
        roles=("propose",),
        tells=("knowledge", "scene"),
        proposes_alone=True,
    ),
    Preset(
        "onelife",
        "laws and rules with probabilities are rolled out for each candidate, and the best one is done",
        "Khan et al. (2025), OneLife, arXiv 2510.12088",
        "no weights are fitted: of two rules the more specific is believed (DECISIONS 16); the candidates come from the rules, where the "
        "paper compares two given plans; rules are learned without a model, laws are whatever is in the store",
        planner="best-of-n",
    ),
    Preset(
        "simura",
        "policy, world model and critic are one language model; the best few courses of action are followed",
        "Deng et al. (2025), SimuRA, arXiv 2507.23773",
        "the belief is the environment's, or what the model perceives, and not a summary in prose; actions are commands, and no intents "
        "that an actor grounds; a judgement is the mean of three; learned rules, where there are any, overrule the model; the default "
        "budget is ours",
        planner="beam",
        ask="always",
        roles=("propose", "predict", "judge"),
        tells=(),
        proposes_alone=True,
        votes=3,
        budget=PlanningBudget(llm_calls=40, depth=3),
    ),
    Preset(
        "webdreamer",
        "each candidate of a language model is simulated by it, judged by it, and the best one is done",
        "Gu et al. (2024), WebDreamer, arXiv 2411.06559",
        "a vote is a number from 0 to 1, where the paper's are 0, 0.5 and 1, and three are averaged; learned rules, where there are any, "
        "overrule the model; the default budget is ours",
        planner="best-of-n",
        ask="always",
        roles=("propose", "predict", "judge"),
        tells=(),
        proposes_alone=True,
        votes=3,
        budget=PlanningBudget(llm_calls=40, depth=2),
    ),
    Preset(
        "rap",
        "a tree of futures, grown with a language model as policy, world model and critic",
        "Hao et al. (2023), RAP, arXiv 2305.14992",
        "the reward is the critic's judgement of a state, and not the likelihood of the action and a self-evaluation; chance is averaged "
        "over; learned rules, where there are any, overrule the model; the default budget is ours",
        planner="mcts",
        ask="always",
        roles=("propose", "predict", "judge"),
        tells=(),
        proposes_alone=True,
        budget=PlanningBudget(llm_calls=40, depth=5),
    ),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({each.name: each for each in _ALL})
"""All presets, by name, ours first."""


def preset(name: str) -> Preset:
    """Return the preset ``name``.

    Raises: ConfigurationError when there is none.
    """
    if name not in PRESETS:
        raise ConfigurationError(f"unknown preset {quoted(name)}; there is: {', '.join(PRESETS)}")
    return PRESETS[name]


def filled(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``options`` with what their preset says where they say nothing: None is nothing.

    Raises: ConfigurationError where they say something else than the preset.
    """
    given = dict(options)
    if given.get("preset") is None:
        return given
    chosen = preset(str(given["preset"]))
    for name, own in (("planner", chosen.planner), ("ask", chosen.ask), ("roles", chosen.roles or None)):
        if own is None:
            continue
        if given.get(name) is None:
            given[name] = own
        elif not _agrees(name, given[name], own):
            raise ConfigurationError(
                f"the preset {chosen.name} has {name} {_shown(own)}, and {_shown(given[name])} was asked for: drop one of the two"
            )
    asked = given.get("budget")
    # What is of the wrong type is refused with everything else that is.
    if isinstance(asked, str | None) and (budget := _budget(asked, chosen)) != PlanningBudget():
        given["budget"] = str(budget)
    return given


def _agrees(name: str, given: Any, own: Any) -> bool:
    if name != "roles":
        return bool(given == own)
    return not isinstance(given, list | tuple) or set(own) <= set(given) <= {*own, *_BESIDE}


def _budget(given: str | None, chosen: Preset) -> PlanningBudget:
    if given is None:
        return chosen.budget
    budget = PlanningBudget.parse(given)
    return replace(budget, depth=chosen.budget.depth) if budget.depth is None else budget


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else ",".join(map(str, value))
