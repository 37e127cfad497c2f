"""A world model as an environment that can be played: what an action does is drawn from what the model foretells.

Nothing is known there that the model and the belief it starts from do not know. What the belief has not seen is drawn at the beginning of
an episode and shown when its place is looked into, as the world would show it; so a whole game can be played from its first observation.

Source: rules left out at random, for a family of dreams: Wellmer & Kwok, "Dropout's Dream Land" (2021), there with units of a network.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from agentwm.agent import Episode
from agentwm.errors import ConfigurationError, EnvironmentFailureError, TaskError, quoted
from agentwm.imagination.hidden import Door, Hidden, door_of, drawn
from agentwm.misuse import begun, episode_over, schema_of, unknown_task
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.binding import is_reached, remaining
from agentwm.rules.language import format_term
from agentwm.rules.matching import Unknown, look_up
from agentwm.rules.store import RuleStore
from agentwm.types import (
    Action,
    Fluent,
    Goal,
    Observation,
    Outcome,
    Perceiver,
    Perception,
    Prediction,
    Query,
    State,
    Value,
    Vocabulary,
    WorldModel,
)

__all__ = ["ImaginedEnvironment", "ImaginedPerceiver", "ModelOf", "Start"]

ModelOf = Callable[[RuleStore, Vocabulary], WorldModel]
"""Makes the world model that is played, from the rules of an episode."""

# Said in the facts beside what is so; no fluent of a vocabulary has blanks in its name.
SUCCEEDED = Fluent("the action succeeded")


@dataclass(frozen=True, slots=True)
class Start:
    """Where an episode of imagination begins: a belief, the goal, and what can be said and done there."""

    name: str
    state: State
    goal: Goal
    vocabulary: Vocabulary
    task_type: str = "imagined"

    @classmethod
    def of(cls, episode: Episode) -> Self:
        """Return what ``episode`` has come to: its first belief just after reset, or any later one."""
        task_type = episode.environment.task_type(episode.task)
        return cls(episode.task, dict(episode.state), episode.aim, episode.vocabulary, task_type)


class ImaginedPerceiver:
    """Reads the facts of an imagined world: what is new is told, what differs was changed by the action."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def perceive(self, observation: Observation, action: Action | None, state: State) -> Perception:
        """Return what the facts tell, what they say has changed, and whether they say that the action succeeded."""
        facts = dict(observation.facts)
        succeeded = facts.pop(SUCCEEDED, None)
        if action is None:
            return Perception(told=facts)
        told: dict[Fluent, Value] = {}
        changed: dict[Fluent, Value] = {}
        for fluent, value in facts.items():
            known = look_up(fluent, state, self._vocabulary)
            if isinstance(known, Unknown) or _is_hidden(fluent, self._vocabulary):
                told[fluent] = value
            elif known != value:
                changed[fluent] = value
        return Perception(told, changed, succeeded=None if succeeded is None else bool(succeeded))


@dataclass(slots=True)
class _Dream:
    """One episode: what is really so in it, and which of that has been shown. ``untold`` are the doors of which nothing was said yet.

    ``aim`` is what is left of the goal.
    """

    start: Start
    model: WorldModel
    rng: random.Random
    door: Door | None
    hidden: Hidden
    state: dict[Fluent, Value]
    untold: dict[Fluent, None]
    aim: Goal
    is_over: bool = False


class ImaginedEnvironment:
    """Plays the world model of ``rules`` from each of ``starts``; the facts of an observation are all that has been seen.

    What an action does is drawn by the probabilities that the model gives its outcomes, the model's own doubt among them; with
    ``is_likeliest`` it is always the most probable one. Where the goal has conditions, reaching it brings 1 and the end, whatever the
    model says. ``dropout`` is the probability (0 to 1) of each rule and law being left out of an episode. ``model_of`` makes the model.

    Raises: ConfigurationError when two starts have one name, or ``dropout`` is no probability.
    """

    name = "imagination"

    def __init__(
        self,
        rules: RuleStore,
        starts: Iterable[Start],
        *,
        model_of: ModelOf = AlignedModel.symbolic,
        dropout: float = 0.0,
        is_likeliest: bool = False,
    ) -> None:
        starts = tuple(starts)
        self._starts = {start.name: start for start in starts}
        if len(self._starts) < len(starts):
            raise ConfigurationError(f"expected starts of different names, got {quoted([s.name for s in starts])}")
        if not 0 <= dropout <= 1:
            raise ConfigurationError(f"expected a probability, 0 to 1, for the dropout of rules, got {dropout}")
        self._rules = rules
        self._model_of = model_of
        self._dropout = dropout
        self._is_likeliest = is_likeliest
        self._dream: _Dream | None = None
        self._whole: tuple[Vocabulary, WorldModel] | None = None
        self.foretold: Prediction | None = None

    @property
    def perceiver(self) -> Perceiver:
        """What reads the facts of the present task."""
        return ImaginedPerceiver(self.vocabulary)

    @property
    def about(self) -> Mapping[str, str | int]:
        """What is played, how many starts there are, and how many rules are left out."""
        return {
            "engine": "imagination",
            "split": "imagined",
            "rules": len(self._rules),
            "dropout": f"{self._dropout:g}",
            "tasks": len(self._starts),
            "refused": 0,
        }

    @property
    def vocabulary(self) -> Vocabulary:
        """What can be said and done in the present task."""
        return begun(self._dream).start.vocabulary

    @property
    def goal(self) -> Goal:
        """What the present task asks for."""
        return begun(self._dream).start.goal

    @property
    def refusals(self) -> Sequence[TaskError]:
        """Nothing: every start can be played."""
        return ()

    def tasks(self) -> Sequence[str]:
        """Return the names of the starts, in their order."""
        return tuple(self._starts)

    def task_type(self, task: str) -> str:
        """Return the family that the start named ``task`` belongs to."""
        return self._start(task).task_type

    def reset(self, task: str, *, seed: int = 0) -> Observation:
        """Begin at the start named ``task``; ``seed`` draws what was not seen, the rules left out, and all that happens.

        Raises: TaskError when there is no such start.
        """
        start = self._start(task)
        words = start.vocabulary
        rng = random.Random(f"imagination {task} {seed}")
        # What lies where is drawn before anything else, so that a dream with fewer rules is one of the same room.
        door = door_of(self._rules, words)
        hidden = drawn(start.state, start.goal, self._rules.knowledge, words, door=door, rng=rng)
        state = {**start.state, **hidden.doors}
        model, doors = self._model(words, rng), dict.fromkeys(hidden.doors)
        self._dream = _Dream(start, model, rng, door, hidden, state, doors, start.goal)
        self.foretold = None
        return Observation(f"{_facts_in_words(start.state, words)}\nThe goal: {start.goal.text}", dict(start.state))

    def step(self, action: Action) -> Observation:
        """Do ``action``. What is done with a thing that was not seen fails where the world tells of failure.

        Raises: EnvironmentFailureError before the first and after the end of an episode, for an action that the vocabulary lacks, and
            for one with a thing that is not there, where the world does not tell of failure.
        """
        dream = begun(self._dream)
        if dream.is_over:
            raise episode_over(action)
        schema_of(action, dream.start.vocabulary)
        if not all(_is_there(name, dream.state) for name in action.args):
            if not dream.start.vocabulary.reports_failure:
                raise EnvironmentFailureError(
                    f"expected an action with things that are there, got {quoted(str(action))}"
                )
            self.foretold = Prediction((Outcome(1.0, success=False),), 1.0, "frame")
            return self._observation(dream, action, self.foretold.outcomes[0], {}, {})
        [prediction] = dream.model.predict([Query(dream.state, action)])
        self.foretold = prediction
        outcome = self._outcome(prediction, dream)
        if not outcome.success:
            return self._observation(dream, action, outcome, {}, {})
        changes = _looked_into(outcome, prediction, dream)
        changes = {f: v for f, v in changes.items() if look_up(f, dream.state, dream.start.vocabulary) != v}
        dream.state.update(changes)
        return self._observation(dream, action, outcome, changes, _revealed(action, changes, dream))

    def close(self) -> None:
        """End the episode, and the model where it holds something."""
        if self._dream is not None:
            self._dream.is_over = True
            _close(self._dream.model)
        if self._whole is not None:
            _close(self._whole[1])
            self._whole = None

    # --- the parts of an episode ------------------------------------------------------------------------------------------

    def _start(self, task: str) -> Start:
        try:
            return self._starts[task]
        except KeyError:
            raise unknown_task(task, len(self._starts)) from None

    def _model(self, words: Vocabulary, rng: random.Random) -> WorldModel:
        if self._dropout:
            rules, laws = self._rules.rules, self._rules.laws
            kept = tuple(rule for rule in rules if rng.random() >= self._dropout)
            if self._dream is not None:
                _close(self._dream.model)
            left = tuple(law for law in laws if rng.random() >= self._dropout)
            return self._model_of(replace(self._rules, rules=kept, laws=left), words)
        if self._whole is None or self._whole[0] != words:
            if self._whole is not None:
                _close(self._whole[1])
            self._whole = words, self._model_of(self._rules, words)
        return self._whole[1]

    def _outcome(self, prediction: Prediction, dream: _Dream) -> Outcome:
        weights = [outcome.probability for outcome in prediction.outcomes]
        if self._is_likeliest:
            return prediction.outcomes[weights.index(max(weights))]
        return dream.rng.choices(prediction.outcomes, weights)[0]

    @staticmethod
    def _observation(dream: _Dream, action: Action, outcome: Outcome, changes: State, told: State) -> Observation:
        """Return what is seen after ``action``: nothing that only an inspection shows, unless it was one."""
        words, state = dream.start.vocabulary, dream.state
        state.update(told)
        seen = {f: v for f, v in state.items() if not _is_hidden(f, words) and f not in dream.untold}
        if outcome.success and words.actions[action.verb].inspects:
            seen |= _inspected(action.args, state, words)
        if words.reports_failure:
            seen[SUCCEEDED] = outcome.success
        is_reached_now = bool(changes) and not dream.aim.then and is_reached(dream.aim, state, words)
        dream.aim = remaining(dream.aim, (state,), words)
        dream.is_over = outcome.success and (outcome.terminated is True or is_reached_now)
        reward = (outcome.reward or 0.0) if outcome.success else 0.0
        return Observation(
            _in_words(outcome, changes, {f: v for f, v in told.items() if f.name not in ("sort", "kind")}, words),
            seen,
            reward=max(reward, 1.0) if is_reached_now else reward,
            terminated=dream.is_over,
        )


def _looked_into(outcome: Outcome, prediction: Prediction, dream: _Dream) -> dict[Fluent, Value]:
    """Return the changes of ``outcome``, but a look into a place as its door has it.

    Rules foretell a look into a place with a chance where they cannot know its door. Here that is known: where there is a way that shows
    a place, it is shown if it is not shut, and only then.
    """
    changes, door = dict(outcome.changes), dream.door
    explored = dream.start.vocabulary.explored
    if door is None or explored is None:
        return changes
    ways = [way for way in prediction.outcomes if way.success]
    shown = [f for way in ways for f, value in way.changes.items() if f.name == explored and value is True]
    for fluent in dict.fromkeys(shown):
        if dream.state.get(fluent) is not True:
            changes.pop(fluent, None)
            own = Fluent(door.fluent, fluent.args)
            if changes.get(own, dream.state.get(own)) != door.shut:
                changes[fluent] = True
    return changes


def _revealed(action: Action, changes: State, dream: _Dream) -> dict[Fluent, Value]:
    """Return what is told of the places that ``action`` came to: their doors and, where they were looked into, the things in them."""
    words = dream.start.vocabulary
    told: dict[Fluent, Value] = {}
    looked = [f.args[0] for f, value in changes.items() if f.name == words.explored and value is True]
    for fluent in list(dream.untold):
        if fluent.args[0] in (*looked, *action.args):
            del dream.untold[fluent]
            told[fluent] = dream.state[fluent]
    for place in looked:
        told |= dream.hidden.facts(place)
    return told


def _inspected(names: Sequence[str], state: State, words: Vocabulary) -> dict[Fluent, Value]:
    """Return what only an inspection of ``names`` shows."""
    told: dict[Fluent, Value] = {}
    for schema in words.fluents.values():
        if not schema.hidden or len(schema.parameters) != 1:
            continue
        sorts = schema.parameters[0].split("|")
        for name in names:
            value = look_up(Fluent(schema.name, (name,)), state, words)
            if not isinstance(value, Unknown) and ("any" in sorts or state.get(Fluent("sort", (name,))) in sorts):
                told[Fluent(schema.name, (name,))] = value
    return told


def _is_hidden(fluent: Fluent, words: Vocabulary) -> bool:
    """Whether no ordinary observation shows ``fluent``."""
    schema = words.fluents.get(fluent.name)
    return schema is not None and schema.hidden


def _is_there(name: str, state: State) -> bool:
    return Fluent("sort", (name,)) in state or any(name in f.args or value == name for f, value in state.items())


def _close(model: WorldModel) -> None:
    if isinstance(model, AlignedModel):
        model.close()


# --- words -----------------------------------------------------------------------------------------------------------------


def _in_words(outcome: Outcome, changes: State, told: State, words: Vocabulary) -> str:
    """Return the text of ``outcome`` or, where it has none, its changes in words; and what was found out beside."""
    seen = {f: v for f, v in changes.items() if not _is_hidden(f, words)}
    if outcome.text is not None:
        said = outcome.text
    elif not outcome.success:
        said = "It fails, and nothing changes."
    elif seen:
        said = f"{'; '.join(f'{fluent} becomes {_plain(value)}' for fluent, value in seen.items())}."
    else:
        said = "It is done." if changes else "Nothing changes."
    found = "; ".join(f"{fluent} is {_plain(value)}" for fluent, value in told.items())
    return f"{said} {found}." if found else said


def _facts_in_words(state: State, words: Vocabulary) -> str:
    """Return what may change in ``state``, and what there is of each sort."""
    static = {schema.name for schema in words.fluents.values() if schema.static}
    things: dict[str, list[str]] = {}
    for fluent, value in state.items():
        if fluent.name == "sort":
            things.setdefault(str(value), []).append(fluent.args[0])
    there = [f"{sort}: {', '.join(names)}" for sort, names in things.items()]
    told = [f"{f} is {_plain(v)}" for f, v in state.items() if f.name not in static]
    return ". ".join([*there, "; ".join(told)]) + "."


def _plain(value: Value) -> str:
    return value if isinstance(value, str) else format_term(value)
