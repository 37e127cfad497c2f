"""Induces noisy deictic rules from trajectories, for worlds that answer every action and never say that one failed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agentwm.induction.acceptance import ENOUGH, Beginnings
from agentwm.induction.breaks import Breaks
from agentwm.induction.credit import Example, examples
from agentwm.induction.effects import EffectTable
from agentwm.induction.growth import LearnedRule
from agentwm.induction.pooling import EffectsLearner
from agentwm.induction.succession import reason_for, successors
from agentwm.knowledge import learn as learn_knowledge
from agentwm.rules.language import Rule
from agentwm.rules.matching import conjunction, instances, look_up
from agentwm.rules.outcomes import changes_made
from agentwm.rules.store import Record, RuleStore
from agentwm.types import Trajectory, Transition, Vocabulary

__all__ = ["NoisyInducer", "verdict"]

TOLERATED = 0.25  # contradictions for each support that a rule believed before is forgiven


class NoisyInducer:
    """Induces rules from trajectories; what was seen is kept as columns, so that one more transition costs one more row.

    The rules are a function of the transitions, in their order, and of ``base``: what was believed before the first of them. A rule of
    ``base`` is held until it is contradicted more often than noise explains.
    """

    def __init__(self, base: RuleStore | None = None) -> None:
        self._base = base or RuleStore()
        self._vocabulary: Vocabulary | None = None
        self._learner: EffectsLearner | None = None
        self._breaks = Breaks()
        self._seen: list[tuple[Transition, ...]] = []
        self._examples: list[Example] = []
        self._beginnings = Beginnings(lambda _rule, _example: False)

    @property
    def tables(self) -> Mapping[tuple[str, tuple[str, ...]], EffectTable]:
        """The examples seen, by verb and sorts of its arguments."""
        return self._learner.tables if self._learner else {}

    def induce(self, trajectories: Sequence[Trajectory], vocabulary: Vocabulary) -> RuleStore:
        """Return the rules that explain ``trajectories``."""
        return self.revise(self._base, trajectories, vocabulary)

    def observe(self, trajectories: Sequence[Trajectory], vocabulary: Vocabulary) -> int:
        """Take in what ``trajectories`` hold beyond what was seen; return how many transitions were seen in all."""
        if self._learner is None or vocabulary != self._vocabulary or not self._goes_on(trajectories):
            self._learner, self._vocabulary = EffectsLearner(vocabulary), vocabulary
            self._seen, self._examples = [], []
            self._breaks = Breaks()
            self._learner.suspected = self._breaks.windows
            self._beginnings = Beginnings(lambda rule, example: verdict(rule, example, vocabulary) is True)
        for number, trajectory in enumerate(trajectories):
            done = len(self._seen[number]) if number < len(self._seen) else 0
            fresh = trajectory.transitions[done:]
            if fresh:
                lived = Trajectory(trajectory.task, trajectory.goal, fresh[0].before, fresh)
                for transition, example in zip(fresh, examples(lived, vocabulary), strict=True):
                    self._breaks.note(transition)
                    self._learner.append(example)
                    self._examples.append(example)
                    if len(self._examples) == self._beginnings.next:
                        self._beginnings.add([learned.rule for learned in self._learner.rules()])
            self._seen[number : number + 1] = [trajectory.transitions]
        return len(self._examples)

    def _goes_on(self, trajectories: Sequence[Trajectory]) -> bool:
        """Whether ``trajectories`` are those seen, with something added to the last of them or after it."""
        if len(trajectories) < len(self._seen):
            return False
        pairs = list(zip(self._seen, trajectories, strict=False))
        return all(
            len(seen) <= len(now)
            and (not seen or (seen[0] is now.transitions[0] and seen[-1] is now.transitions[len(seen) - 1]))
            for seen, now in pairs
        ) and all(len(seen) == len(now) for seen, now in pairs[:-1])

    def revise(self, store: RuleStore, trajectories: Sequence[Trajectory], vocabulary: Vocabulary) -> RuleStore:
        """Return ``store`` brought up to date with ``trajectories``; rules that no longer follow are retired."""
        self.observe(trajectories, vocabulary)
        assert self._learner is not None
        learned = [each for each in self._learner.rules() if each.right.bit_count() > each.wrong.bit_count()]
        rules = [each.rule for each in learned]
        present = {rule.id for rule in rules}
        records = {each.rule.id: self._record(each) for each in learned}
        held: list[Rule] = []
        # What a person or a language model proposed since is held like what was believed before.
        given = [rule for rule in store.rules if store.record(rule).origin != "symbolic"]
        for rule in dict.fromkeys((*self._base.rules, *given)):
            if rule.id not in present:
                record = self._held_against(rule, store.record(rule).origin)
                if record.contradicts <= record.supports * TOLERATED:
                    held.append(rule)
                elif store.record(rule).state == "retired":
                    continue  # its record says so, and why
                records[rule.id] = record
        gone = {rule.id: rule for rule in (*store.retired, *store.rules)}
        retired = [rule for name, rule in gone.items() if name not in present and rule not in held]
        for rule in retired:
            before = store.record(rule)
            if before.state != "retired":
                after = successors(rule, rules)
                count = records.get(rule.id, before).contradicts
                reason = f"contradicted by {count} transitions; " if rule.id in records else self._when_broken(rule)
                update = {"state": "retired", "reason": reason + reason_for(rule, after), "contradicts": count}
                records[rule.id] = before.model_copy(update=update)
                for heir in after:
                    if heir.id not in store.records:
                        parents = (*records[heir.id].parents, rule.id)
                        records[heir.id] = records[heir.id].model_copy(update={"parents": parents})
        knowledge = self._base.knowledge.plus(learn_knowledge(trajectories, vocabulary))
        return replace(
            store,
            rules=(*rules, *held),
            records={**store.records, **records},
            retired=tuple(retired),
            silence=self._base.silence,
            knowledge=knowledge,
        )

    def _record(self, learned: LearnedRule) -> Record:
        foretold = self._beginnings.foretold(learned.rule, learned.right, self._examples)
        return Record(
            supports=learned.right.bit_count(),
            contradicts=learned.wrong.bit_count(),
            last_spoken=learned.speaks.bit_length() - 1,
            foretold=foretold,
            state="active" if foretold >= ENOUGH else "candidate",
        )

    def _held_against(self, rule: Rule, origin: str) -> Record:
        """Return the record of a rule of `base`, or of one proposed since, with what was seen counted in."""
        assert self._vocabulary is not None
        said = [verdict(rule, example, self._vocabulary) for example in self._examples]
        before = self._base.records.get(rule.id, Record(origin=origin))
        return before.model_copy(
            update={
                "supports": before.supports + said.count(True),
                "contradicts": before.contradicts + said.count(False),
            }
        )

    def _when_broken(self, rule: Rule) -> str:
        """Return when ``rule``, which had long been right, failed, and how often since; nothing of one that never did."""
        if rule.id not in self._breaks.broken:
            return ""
        assert self._vocabulary is not None
        after, by = self._breaks.broken[rule.id]
        if len(rule.outcomes) > 1:
            return f"not as probable since the world changed, between transitions {after} and {by}; "
        wrong = [verdict(rule, example, self._vocabulary) for example in self._examples[after + 1 :]].count(False)
        times = f"{wrong} time{'s' * (wrong > 1)}"
        return f"wrong {times} since the world changed, between transitions {after} and {by}; " if wrong else ""


def verdict(rule: Rule, example: Example, vocabulary: Vocabulary) -> bool | None:
    """Return whether one of the rule's outcomes is what happened, to each thing that it speaks of; None where it is silent."""
    said = [
        _came(rule, bindings, example, vocabulary)
        for bindings in instances(rule, example.action, example.before)
        if conjunction(rule.when, bindings, example.before, vocabulary)
        and conjunction(rule.after, bindings, example.settled, vocabulary)
    ]
    return all(said) if said else None


def _came(rule: Rule, bindings: Mapping[str, str], example: Example, vocabulary: Vocabulary) -> bool:
    """Whether one of the rule's outcomes is what happened."""
    return any(
        outcome.success == example.succeeded
        and (outcome.reward is None or outcome.reward == example.reward)
        and (not outcome.ends or example.ended)
        and all(
            look_up(fluent, example.settled, vocabulary) == value
            for fluent, value in changes_made(outcome, bindings, example.before, vocabulary).items()
        )
        for outcome in rule.outcomes
    )
