"""What was lived in a run as training data, a JSON object a step.

- ``sft``: the conversation of the role `predict` about the step, in the prompt's own words as they would have been put then (by the rules
  and the answers known when its episode began), and what came of it as the answer. A model trained on it can be used in that role.
- ``preferences``: the same question for every step that was foretold wrongly; ``chosen`` is what came, ``rejected`` what was foretold.
- ``transitions``: the step itself: the belief before, the action, the answer of the world, what changed.

Every line says on which side of the split it is, ``train`` or ``held_out``. All episodes of one task stand on the same side, and on the
same one in every form.

Source: next observations as training data: Zhang et al., "Agent Learning via Early Experience" (2025), section 4.2, and Fang et al.,
"WebEvolver" (2025). The pairs are ours.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from agentwm.backends.prompts import Prompt
from agentwm.llm.words import Answers
from agentwm.llm.world_model import slots_for, stable_slots
from agentwm.records import EpisodeRecord, RunStore
from agentwm.rules.store import RuleStore
from agentwm.training.answers import AnswerForm
from agentwm.types import Query, State, Transition, Vocabulary

__all__ = ["FORMATS", "Export", "Format", "Side", "export", "plain_row", "sides"]

Format = Literal["sft", "preferences", "transitions"]
Side = Literal["train", "held_out"]
Row = dict[str, Any]

FORMATS: tuple[str, ...] = get_args(Format)
HELD_OUT = 0.1


@dataclass(frozen=True, slots=True)
class Export:
    """The lines of an export in the order lived, and how many steps had no place in them: they do not fit into the form of an answer."""

    rows: tuple[Row, ...]
    left_out: int

    def text(self) -> str:
        """Return the rows as JSON lines."""
        return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in self.rows)

    def episodes(self, side: Side) -> int:
        """Return how many episodes stand on ``side`` of the split."""
        return len({row["episode"] for row in self.rows if row["split"] == side})

    def count(self, side: Side) -> int:
        """Return how many rows stand on ``side`` of the split."""
        return sum(row["split"] == side for row in self.rows)


def sides(tasks: Iterable[str], held_out: float = HELD_OUT) -> dict[str, Side]:
    """Return the side of the split on which each of ``tasks`` stands, whatever their order.

    ``held_out`` (0 to 1) is the share held out: at least one task if it is above 0, but never all of them.
    """
    ordered = sorted(set(tasks), key=lambda task: (hashlib.sha256(task.encode()).digest(), task))
    wanted = max(1, round(held_out * len(ordered))) if held_out else 0
    kept = min(wanted, len(ordered) - 1)
    return {task: "held_out" if place < kept else "train" for place, task in enumerate(ordered)}


def export(  # noqa: PLR0913 -- what is read, in which words, and which part of it
    records: RunStore,
    vocabulary: Vocabulary,
    prompt: Prompt,
    form: Format,
    *,
    rules: RuleStore,
    phases: Iterable[str] = ("learn",),
    held_out: float = HELD_OUT,
) -> Export:
    """Return what was lived in the episodes of ``phases`` in the form ``form``; ``rules`` are those that the run began with.

    Raises: RunStoreError when the run cannot be read.
    """
    wanted = [each for each in records.episodes() if each.phase in set(phases)]
    side_of = sides((each.task for each in wanted), held_out)
    writer = _Writer(vocabulary, prompt, form)
    rows: list[Row] = []
    left_out = 0
    for each, known, answers in _moments(records, rules):
        if each.phase not in set(phases):
            continue
        asked = _Asked(known, answers)
        for step, transition in enumerate(records.trajectory(each.episode)):
            where = {"split": side_of[each.task], "phase": each.phase, "task": each.task}
            written = writer.written(transition, each, asked)
            if written is None:
                left_out += form == "sft"
            else:
                rows.append({**where, "episode": each.episode, "step": step, **written})
    return Export(tuple(rows), left_out)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was known when an episode began."""

    rules: RuleStore
    answers: Answers


def _moments(records: RunStore, rules: RuleStore) -> Iterator[tuple[EpisodeRecord, RuleStore, Answers]]:
    """Yield every episode with the rules and the answers known when it began."""
    answers = Answers()
    for each in records.episodes():
        yield each, rules, answers
        answers.add(records.trajectory(each.episode))
        if each.learned is not None:
            rules = RuleStore.from_files(json.loads(each.learned), source=f"the run in {records.path}")


class _Writer:
    """Writes single steps in one form."""

    def __init__(self, vocabulary: Vocabulary, prompt: Prompt, form: Format) -> None:
        self._vocabulary = vocabulary
        self._prompt = prompt
        self._form = form
        self._answers = AnswerForm(vocabulary)
        self._stable = stable_slots(vocabulary)

    def written(self, transition: Transition, episode: EpisodeRecord, asked: _Asked) -> Row | None:
        """Return what the row of ``transition`` says beside where it stands; None where there is nothing to say."""
        match self._form:
            case "sft":
                answer = self._answers.came(transition)
                if answer is None:
                    return None
                return {"messages": [*self._question(transition, asked), _assistant(answer)]}
            case "preferences":
                pair = self._answers.contrasted(transition, reports_failure=self._vocabulary.reports_failure)
                if pair is None:
                    return None
                chosen, rejected = ([_assistant(answer)] for answer in pair)
                return {"prompt": self._question(transition, asked), "chosen": chosen, "rejected": rejected}
            case "transitions":
                return plain_row(transition, episode.goal.text, self._vocabulary)

    def _question(self, transition: Transition, asked: _Asked) -> list[Mapping[str, str]]:
        query = Query(transition.before, transition.action)
        about = slots_for(query, self._vocabulary, rules=asked.rules, answers=asked.answers)
        messages = self._prompt.messages({**self._stable, **about})
        return [{"role": message.speaker, "content": message.text} for message in messages]


def plain_row(transition: Transition, goal: str, vocabulary: Vocabulary) -> Row:
    """Return what a row of the form ``transitions`` says beside where it stands; ``goal`` is what the episode asked for, in words."""
    verb, args = transition.action
    seen = transition.observation
    return {
        "goal": goal,
        "before": _facts(transition.before),
        "action": [verb, *args],
        "command": vocabulary.actions[verb].render(args),
        "observation": seen.text,
        "succeeded": transition.succeeded,
        "changed": _facts(transition.changed),
        "told": _facts({fluent: transition.after[fluent] for fluent in sorted(transition.told)}),
        "reward": seen.reward,
        "terminated": seen.terminated,
        "truncated": seen.truncated,
    }


def _assistant(answer: str) -> Mapping[str, str]:
    return {"role": "assistant", "content": answer}


def _facts(state: State) -> list[list[object]]:
    return [[fluent.name, *fluent.args, value] for fluent, value in state.items()]
