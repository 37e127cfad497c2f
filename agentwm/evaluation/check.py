"""Holds a rule store, its rules and its laws, against fresh experience of an environment."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentwm.agent import Episode
from agentwm.errors import ConfigurationError, LawError, quoted
from agentwm.evaluation.evidence import Claim, heard
from agentwm.induction.chance import binomial_tail
from agentwm.induction.credit import Example, examples
from agentwm.induction.evidence import SURPRISING, answers, left_to_noise
from agentwm.learning import Learner
from agentwm.rules.language import ANY_ACTION, Rule
from agentwm.rules.laws import Answer, Law
from agentwm.rules.sandbox import Sandbox
from agentwm.rules.store import RuleStore
from agentwm.types import Environment, Fluent, Vocabulary

__all__ = ["Check", "Standing", "check", "experience"]

ROUNDING = 0.005  # a rule's probabilities are printed with two digits: 1.00 may stand for 0.995


@dataclass(frozen=True, slots=True)
class Standing:
    """How often a rule or a law was right and wrong when it spoke, and how likely it would be wrong so often (0 to 1) were it true.

    ``failures`` counts how often a law gave no answer, and ``failure`` says why it did not the first time.
    """

    rule: Rule | Law
    right: int
    wrong: int
    chance: float
    failures: int = 0
    failure: str = ""

    @property
    def is_refuted(self) -> bool:
        """Whether the rule was wrong more often than its probability allows."""
        return self.chance < SURPRISING


@dataclass(frozen=True, slots=True)
class Check:
    """The standing of every active rule, then law, after so many ``steps``; what none foretold: how often, by verb and what it was."""

    steps: int
    standings: tuple[Standing, ...]
    unforetold: Mapping[tuple[str, str], int]

    @property
    def refuted(self) -> tuple[Rule | Law, ...]:
        """The rules and laws that were wrong more often than their probabilities allow."""
        return tuple(each.rule for each in self.standings if each.is_refuted)


def experience(
    environment: Environment, store: RuleStore, tasks: Sequence[str], *, seed: int, max_steps: int
) -> Iterator[tuple[list[Example], Vocabulary]]:
    """Play ``tasks`` as an agent would that begins with the rules of ``store`` and learns; yield what was lived, task by task.

    The store itself stays as it is: learning only leads the play to where something is still new.

    Raises: ConfigurationError when none of the rules is about an action of this environment.
    """
    learner = Learner(store)
    for number, task in enumerate(tasks):
        episode = Episode(environment, task, seed=seed)
        _expect_verbs(store, episode.vocabulary, environment.name)
        learner.play(episode, rng=random.Random(f"{seed}-{number}"), max_steps=max_steps)
        learner.conclude(episode)
        yield examples(episode.trajectory, episode.vocabulary), episode.vocabulary


def check(
    store: RuleStore, lived: Sequence[Example], vocabulary: Vocabulary, *, sandbox: Sandbox | None = None
) -> Check:
    """Return how the active rules and laws of ``store`` stand after ``lived``.

    Raises: MissingExtraError where there are laws, no ``sandbox`` is given and none is installed.
    """
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    unforetold: Counter[tuple[str, str]] = Counter()
    answered = answers(store.laws, lived, sandbox=sandbox)
    for example, said_by_laws in zip(lived, answered, strict=True):
        said = heard(store.rules, example, vocabulary, said_by_laws)
        right.update(name for name, claims in said.items() if claims)
        wrong.update(name for name, claims in said.items() if not claims)
        claimed = frozenset().union(*said.values())
        news = dict.fromkeys(_named(claim) for claim in _happened(example, vocabulary) if claim not in claimed)
        unforetold.update((example.action.verb, name) for name in news)
    standings = [
        Standing(rule, right[rule.id], wrong[rule.id], _chance(rule, right[rule.id], wrong[rule.id]))
        for rule in store.rules
    ]
    standings += [
        _standing(law, right[law.id], wrong[law.id], [each[law.id] for each in answered]) for law in store.laws
    ]
    return Check(len(lived), tuple(standings), dict(unforetold.most_common()))


def _chance(rule: Rule, right: int, wrong: int) -> float:
    noise = 1 - sum(outcome.probability for outcome in rule.outcomes)
    return binomial_tail(wrong, right + wrong, min(1.0, max(0.0, noise) + ROUNDING))


def _standing(law: Law, right: int, wrong: int, answered: Sequence[Answer]) -> Standing:
    """Return how a law stands: it may be wrong as often as, on average, it leaves to noise, and there is nothing rounded."""
    noises = [left_to_noise(each) for each in answered if isinstance(each, tuple)]
    chance = binomial_tail(wrong, right + wrong, sum(noises) / max(1, len(noises)))
    failures = [each for each in answered if isinstance(each, LawError)]
    return Standing(law, right, wrong, chance, len(failures), str(failures[0]) if failures else "")


def _happened(example: Example, vocabulary: Vocabulary) -> Iterator[Claim]:
    """Yield all that the action brought; success only where there is failure."""
    counters = vocabulary.counters
    yield from ((fluent, value) for fluent, value in example.changed.items() if fluent.name not in counters)
    if vocabulary.reports_failure:
        yield "success", example.succeeded
    if example.reward:
        yield "reward", example.reward
    if example.ended:
        yield "the end", True


def _named(claim: Claim) -> str:
    about, _ = claim
    if isinstance(about, Fluent):
        return f"{about.name}()"
    return "failure" if claim == ("success", False) else about


def _expect_verbs(store: RuleStore, vocabulary: Vocabulary, name: str) -> None:
    about = {rule.verb for rule in store.rules}
    if about and not about & {ANY_ACTION, *vocabulary.actions}:
        raise ConfigurationError(
            f"expected rules about {quoted(name)}, whose actions are {', '.join(vocabulary.actions)}, but these are about "
            f"{', '.join(sorted(about))}: choose another --env"
        )
