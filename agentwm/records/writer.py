"""Writes an episode as it is played; what was written before the episode was cut off is checked instead of written again."""

from agentwm.errors import RunStoreError, quoted
from agentwm.records.store import RunStore
from agentwm.types import Action, Goal, Observation, Plan, Prediction, State, Transition

__all__ = ["EpisodeWriter"]


class EpisodeWriter:
    """The record of one episode in the making.

    An interrupted episode is played again from its beginning by the same deterministic agent. As long as there are acknowledged
    steps, each new one must be equal to the one on record; after the last of them, steps are written.

    Every method raises RunStoreError where what happens now is not what was recorded.
    """

    def __init__(self, store: RunStore, episode: int) -> None:
        self._store = store
        self._episode = episode
        self._step = 0
        self._known: tuple[Transition, ...] = ()

    def begin(self, phase: str, task: str, task_type: str, goal: Goal) -> None:
        """Write that the episode begins."""
        self._store.begin_episode(self._episode, phase, task, task_type, goal)

    def start(self, goal: Goal, observation: Observation, belief: State) -> None:
        """Write the first observation and the belief it gave."""
        opening = self._store.opening(self._episode)
        if opening is None:
            self._store.record_start(self._episode, observation, belief)
            return
        recorded = self._store.trajectory(self._episode)
        self._expect("goal", recorded.goal, goal)
        self._expect(
            "first observation", opening, Observation(observation.text, observation.facts, observation.actions)
        )
        self._expect("opening belief", recorded.start, belief)
        self._known = recorded.transitions

    def intend(self, action: Action, predicted: Prediction, plan: Plan) -> None:
        """Write what is about to be done, what is expected of it, and the ``plan`` that it begins."""
        if self._step < len(self._known):
            known = self._known[self._step]
            self._expect(f"action {self._step}", known.action, action)
            self._expect(f"prediction {self._step}", known.predicted, predicted)
        else:
            self._store.intend(self._episode, self._step, action, predicted, plan=plan)

    def record(self, transition: Transition) -> None:
        """Write what came of it: on return the step is acknowledged."""
        if self._step < len(self._known):
            known = self._known[self._step]
            self._expect(f"observation {self._step}", known.observation, transition.observation)
            self._expect(f"belief after step {self._step}", known.after, transition.after)
            self._expect(f"step {self._step}", known, transition)
        else:
            self._store.record(self._episode, self._step, transition)
        self._step += 1

    def show(self, png: bytes | None) -> None:
        """Write what the episode looks like now, None where there is nothing to see."""
        if png is not None:
            self._store.record_screenshot(self._episode, self._step, png)

    def _expect(self, what: str, recorded: object, now: object) -> None:
        if recorded != now:
            raise RunStoreError(
                f"cannot resume {self._store.path}: in episode {self._episode} the {what} was {quoted(recorded, limit=300)} and is now "
                f"{quoted(now, limit=300)}: the games or agentwm itself have changed since; begin a new run"
            )
