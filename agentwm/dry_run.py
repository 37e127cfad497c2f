"""Says what a run would ask of a language model, by doing the same with a stand-in in its place: nothing is asked and nothing paid for.

What a model is asked depends on what it says, so that no number of questions is certain beforehand. The rules are learned as the run would
learn them, a few of its games are played, and what was asked in these is taken to be usual.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from agentwm import build
from agentwm.backends.accounts import Account, Budget, Price, Usage
from agentwm.backends.protocol import Message
from agentwm.backends.recording import Question, questions_of
from agentwm.configuration import BUDGETS, RunConfig
from agentwm.errors import ConfigurationError
from agentwm.evaluation import EpisodeResult, ProgressEvent
from agentwm.evaluation.forecast import BudgetForecast, CostForecast, ExamplePrompt, Forecast, RoleForecast
from agentwm.evaluation.statistics import mean
from agentwm.experiment import run
from agentwm.llm.opening import budget_of, named, prices_of
from agentwm.llm.run import REPLIES
from agentwm.session import Progress

__all__ = ["dry_run"]

STAND_IN = "scripted/agentwm.backends.stand_in:least"
TRIED = 20
"""How many of the games to play are played."""

# The mean tokens of a reply of a large language model, no thoughts counted: 76 readings (goals 32, texts 211), 88 predictions, 6
# proposals, 5 judgements and 18 answers about rules on record, counted by the server that gave them.
# Source: ours, the recordings that `tests/recorded.py` names.
REPLY_TOKENS: Mapping[str, int] = {"perceive": 70, "predict": 52, "propose": 48, "judge": 21, "induce": 290}


def dry_run(config: RunConfig, *, progress: Progress = lambda _event: None) -> Forecast:
    """Return what the run of ``config`` would ask for. Nothing is left behind.

    Raises: ConfigurationError for what the run could not be, and where it would ask nobody: no model is named, or a recording answers.
    """
    if config.replay is not None or config.model is None:
        raise ConfigurationError(
            "--dry-run says what a language model would be asked: name one with --model BACKEND/NAME, and no --replay, which asks nobody"
        )
    spec = build.checked(config)
    config = config.settled(spec)
    model = named(config)[1]
    Account(budget_of(config), prices_of(config)).meter(model)  # is the price given that a budget of money needs?
    asked = _Asked()
    tried = 0 if config.ask == "never" else min(config.episodes, TRIED)
    if config.ask != "never":
        with TemporaryDirectory() as folder:
            asked = _Asked(Path(folder) / "run" / REPLIES, progress)
            stood_in = dict.fromkeys(("base_url", "record", "said_by", "timeout_s", "price", *BUDGETS))
            trial = {**stood_in, "model": STAND_IN, "episodes": tried, "out": Path(folder) / "run"}
            run(config.model_copy(update=trial), progress=asked)
            asked.read()
    given = () if config.ask == "never" else config.roles_in(spec)
    return _forecast(config, given, asked, tried, prices_of(config).get(model))


@dataclass(slots=True)
class _Asked:
    """Watches a run: what it asked while learning, and in each of the games played."""

    path: Path = Path(REPLIES)
    progress: Progress = lambda _event: None
    learning: list[Question] = field(default_factory=list)
    games: list[list[Question]] = field(default_factory=list)
    results: list[EpisodeResult] = field(default_factory=list)
    _ends: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, event: ProgressEvent) -> None:
        """Take in one piece of news."""
        if event.result is not None:
            self._ends.append((event.phase, len(self._questions())))
            self.results += [event.result] if event.phase == "play" else []
        self.progress(event)

    def read(self) -> None:
        """Share out what was asked."""
        questions, begun = self._questions(), 0
        for phase, ended in self._ends:
            part = [each for each in questions[begun:ended] if not _is_again(each)]
            begun = ended
            if phase == "learn":
                self.learning += part
            else:
                self.games.append(part)

    def _questions(self) -> list[Question]:
        return questions_of(self.path) if self.path.exists() else []

    @property
    def all(self) -> list[Question]:
        """All questions, in order."""
        return [*self.learning, *(each for game in self.games for each in game)]


def _is_again(question: Question) -> bool:
    """Whether a question is one that was put once more: the stand-in's fault, no model's."""
    return any(message.speaker == "assistant" for message in question.messages)


def _forecast(config: RunConfig, given: Sequence[str], asked: _Asked, tried: int, price: Price | None) -> Forecast:
    max_steps = config.max_steps or 0
    roles = {
        role: _role([each for each in asked.all if each.role == role], role, asked, config.episodes)
        for role in sorted({each.role for each in asked.all})
    }
    questions = sum(each.questions for each in roles.values())
    tokens_in = sum(each.questions * each.prompt_tokens for each in roles.values())
    tokens_out = sum(each.questions * each.reply_tokens for each in roles.values())
    cost = None if price is None else _cost(roles, price)
    given_up = [each for each in asked.results if not each.won and each.error is None and each.steps < max_steps]
    left = sum(max_steps - each.steps for each in given_up) if "propose" in roles else 0
    return Forecast(
        model=str(config.model),
        environment=config.environment,
        ask=config.ask or "silent",
        learned=config.learn or 0,
        episodes=config.episodes,
        tried=tried,
        given_up=len(given_up) if left else 0,
        steps_left=left / max(1, tried),
        roles=roles,
        questions=questions,
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        unasked=[role for role in given if role not in roles],
        cost=cost,
        budgets=_budgets(budget_of(config), questions, tokens_in + tokens_out, None if cost is None else cost.expected),
    )


def _role(questions: Sequence[Question], role: str, asked: _Asked, episodes: int) -> RoleForecast:
    learning = sum(each.role == role for each in asked.learning)
    played = [sum(each.role == role for each in game) for game in asked.games]
    per_game = mean(played) or 0.0
    prompts = [_tokens(each.messages) for each in questions]
    first = questions[0].messages
    shared = first[:1] if all(each.messages[:1] == first[:1] for each in questions) else ()
    return RoleForecast(
        learning=learning,
        per_game=per_game,
        fewest=min(played, default=0),
        most=max(played, default=0),
        questions=learning + per_game * episodes,
        prompt_tokens=mean(prompts) or 0.0,
        longest_prompt_tokens=max(prompts),
        shared_tokens=_tokens(shared),
        reply_tokens=REPLY_TOKENS[role],
        longest_reply_tokens=max(each.max_tokens for each in questions),
        example=ExamplePrompt(system=first[0].text, user=first[-1].text),
    )


def _tokens(messages: Sequence[Message]) -> int:
    return Usage.estimated("".join(message.text for message in messages), "").input_tokens


def _cost(roles: Mapping[str, RoleForecast], price: Price) -> CostForecast:
    def total(usage_of: Callable[[RoleForecast], Usage]) -> float:
        return sum(each.questions * price.of(usage_of(each)) for each in roles.values())

    return CostForecast(
        expected=total(lambda each: Usage(round(each.prompt_tokens), each.reply_tokens)),
        cached=None
        if price.cached is None
        else total(lambda each: Usage(round(each.prompt_tokens), each.reply_tokens, each.shared_tokens)),
        longest_replies=total(lambda each: Usage(round(each.prompt_tokens), each.longest_reply_tokens)),
    )


def _budgets(budget: Budget, questions: float, tokens: float, cost: float | None) -> dict[str, BudgetForecast]:
    """Return the limits that are set, by the name of their option. How long the run takes, nobody can say."""
    limits = {
        "calls": (budget.calls, questions),
        "tokens": (budget.tokens, tokens),
        "cost": (budget.money, cost),
        "seconds": (budget.seconds, None),
    }
    return {
        name: BudgetForecast(limit=limit, reached_after=limit / used if used else None)
        for name, (limit, used) in limits.items()
        if limit is not None
    }
