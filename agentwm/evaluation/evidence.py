"""What the transitions of a run, or any others, say for and against a rule or a law."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from types import MappingProxyType

from agentwm.configuration import RunConfig
from agentwm.errors import ConfigurationError, LawError, RunStoreError
from agentwm.induction.credit import Example, examples
from agentwm.induction.evidence import answers, happened, is_unseen, ways
from agentwm.induction.noisy import verdict
from agentwm.records import RunStore
from agentwm.rules.binding import ground_condition, ground_term
from agentwm.rules.language import Change, Each, Rule
from agentwm.rules.laws import Answer, Law
from agentwm.rules.matching import bind, things_beside
from agentwm.rules.outcomes import changes_made
from agentwm.rules.sandbox import Sandbox
from agentwm.rules.store import RuleStore
from agentwm.types import EnvironmentSpec, Fluent, Outcome, Ref, Transition, Value, Vocabulary

__all__ = ["Claim", "Heard", "foretold", "foretold_by_law", "heard", "hearings", "rules_at", "vocabulary_of"]

Claim = tuple[Fluent | str, Value]
"""One thing that an action brings: the value of a fluent, or ``success``, ``reward`` or ``the end``."""

NOTHING_ANSWERED: Mapping[str, Answer] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Heard:
    """A step of a run in which a rule or a law spoke, and whether it was right; or, with a ``failure``, in which a law failed to."""

    phase: str
    episode: int
    step: int
    transition: Transition
    is_right: bool
    failure: str = ""


def foretold(rule: Rule, example: Example, vocabulary: Vocabulary) -> frozenset[Claim] | None:
    """Return what the rule foretold of ``example``: nothing where it was wrong, None where it is silent.

    Where failure is reported, a change that nobody could see, hidden or in what is unknown, speaks neither for nor against the rule that
    foretells it. A rule about each thing is right when it is right about all that it speaks of.
    """
    if not rule.each:
        return _foretold(rule, example, vocabulary)
    said = [
        claims
        for thing in things_beside(example.action, example.before, rule.each.sort)
        if (claims := _foretold(_about(rule, rule.each, thing), example, vocabulary)) is not None
    ]
    if not said:
        return None
    return frozenset().union(*said) if all(said) else frozenset()


def foretold_by_law(outcomes: Sequence[Outcome], example: Example, vocabulary: Vocabulary) -> frozenset[Claim]:
    """Return what a law that answered ``outcomes`` foretold of ``example``: nothing where it was wrong."""
    claims: set[Claim] = set()
    for way in ways(outcomes, example.before, vocabulary):
        if happened(way, example, vocabulary):
            claims |= {("success", way.success), *way.changes.items()}
            claims |= {("reward", way.reward)} if way.reward is not None else set()
            claims |= {("the end", True)} if way.terminated else set()
    return frozenset(claims)


def heard(
    rules: Iterable[Rule], example: Example, vocabulary: Vocabulary, answered: Mapping[str, Answer] = NOTHING_ANSWERED
) -> dict[str, frozenset[Claim]]:
    """Return what each rule that speaks of ``example`` foretold, by its id; nothing for one that was wrong.

    So of each law, which ``answered`` what it says of ``example``. A failure that a rule or a law of failure foretold does not count
    against one of success, whose exception it is.
    """
    said = [
        (rule.id, rule.predicts_success, claims)
        for rule in rules
        if (claims := foretold(rule, example, vocabulary)) is not None
    ]
    said += [
        (name, outcomes[0].success, foretold_by_law(outcomes, example, vocabulary))
        for name, outcomes in answered.items()
        if outcomes is not None and not isinstance(outcomes, LawError)
    ]
    is_excepted = not example.succeeded and any(claims and not of_success for _, of_success, claims in said)
    return {name: claims for name, of_success, claims in said if claims or not (is_excepted and of_success)}


def hearings(
    rule: Rule | Law, rules: RuleStore, records: RunStore, vocabulary: Vocabulary, *, sandbox: Sandbox | None = None
) -> Iterator[Heard]:
    """Yield the steps of a run in which ``rule`` spoke, in the order lived; ``rules`` holds its exceptions."""
    others = [each for each in rules.rules if not each.predicts_success and each.id != rule.id]
    asked, laws = ([rule, *others], []) if isinstance(rule, Rule) else (others, [rule])
    for each in records.episodes():
        trajectory = records.trajectory(each.episode)
        lived = examples(trajectory, vocabulary)
        said = answers(laws, lived, sandbox=sandbox)
        for step, (transition, example, answered) in enumerate(zip(trajectory, lived, said, strict=True)):
            claims = heard(asked, example, vocabulary, answered).get(rule.id)
            if claims is not None:
                yield Heard(each.phase, each.episode, step, transition, bool(claims))
            elif isinstance(failure := answered.get(rule.id), LawError):
                yield Heard(each.phase, each.episode, step, transition, is_right=False, failure=str(failure))


def vocabulary_of(records: RunStore, spec: EnvironmentSpec, episode: int | None = None) -> Vocabulary:
    """Return what could be said in ``episode``, None for the first, of a run of the environment ``spec``, which is set up again for it.

    Nothing is done there. Raises: RunStoreError for a run without such an episode; as the environment does where its tasks are gone.
    """
    episodes = records.episodes()
    if not episodes:
        raise RunStoreError(f"expected a run with episodes, but {records.path} has none yet")
    config = RunConfig.parse(records.config)
    one = next((each for each in episodes if episode in {None, each.episode}), None)
    if one is None:
        raise RunStoreError(
            f"expected an episode of {records.path}, {episodes[0].episode} to {episodes[-1].episode}, got {episode}"
        )
    with closing(spec.make(config.environment_options(learning=one.phase == "learn"))) as environment:
        environment.tasks()  # some environments make their tasks when asked for them
        environment.reset(one.task, seed=config.seed)
        return environment.vocabulary


def rules_at(records: RunStore, episode: int) -> RuleStore:
    """Return the rules as they were after learning from ``episode``, by its number as `agentwm replay` lists it.

    Raises: ConfigurationError when nothing was learned from it.
    """
    learned = {each.episode: each.learned for each in records.episodes() if each.learned is not None}
    if episode not in learned:
        there = f"from episodes {min(learned)} to {max(learned)}" if learned else "from no episode"
        raise ConfigurationError(f"expected a learning episode of {records.path}, got {episode}: it learned {there}")
    return RuleStore.from_files(json.loads(learned[episode]), source=f"the run in {records.path}")


def _foretold(rule: Rule, example: Example, vocabulary: Vocabulary) -> frozenset[Claim] | None:
    bindings = bind(rule, example.action)
    if bindings is None:
        return None
    claims: set[Claim] = set()
    for outcome in rule.outcomes:
        changes = changes_made(outcome, bindings, example.before, vocabulary)
        unseen = {f: value for f, value in changes.items() if is_unseen(f, example.settled, vocabulary)}
        shown = replace(example, settled={**example.settled, **unseen}) if unseen else example
        truth = verdict(replace(rule, outcomes=(outcome,)), shown, vocabulary)
        if truth is None:
            return None
        if truth:
            claims |= {("success", outcome.success), *changes.items()}
            claims |= {("reward", outcome.reward)} if outcome.reward is not None else set()
            claims |= {("the end", True)} if outcome.ends else set()
    return frozenset(claims)


def _about(rule: Rule, each: Each, thing: str) -> Rule:
    """Return what a rule about each thing says of one."""
    bindings = {each.variable: thing}
    outcomes = [replace(o, changes=tuple(_ground(c, bindings) for c in o.changes)) for o in rule.outcomes]
    when, after = (tuple(ground_condition(c, bindings) for c in part) for part in (rule.when, rule.after))
    return Rule(rule.verb, rule.parameters, when, tuple(outcomes), after)


def _ground(change: Change, bindings: Mapping[str, str]) -> Change:
    target = Ref(change.target.name, tuple(ground_term(arg, bindings) for arg in change.target.args))
    return Change(target, ground_term(change.value, bindings), change.adds)
