"""What a run would ask of a language model, before it asks: the report of ``agentwm run --dry-run``."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agentwm.evaluation.display import figures_table

__all__ = ["BudgetForecast", "CostForecast", "ExamplePrompt", "Forecast", "RoleForecast", "forecast_view"]

MOST_SHOWN = 1_600  # characters of a message


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExamplePrompt(_Frozen):
    """One question as it was put to the stand-in: the system's message and the user's."""

    system: str
    user: str


class RoleForecast(_Frozen):
    """What one role would ask.

    ``learning`` are the questions put in all games to learn from; of the games tried, ``per_game`` is the mean, ``fewest`` and ``most`` are
    the ends. ``questions`` is what follows for the whole run. Tokens are a fourth of the characters: of a prompt on average and at most,
    and of its ``shared_tokens`` that are the same in all prompts of the role, which a server may charge less for. ``reply_tokens`` is the
    length that replies are reckoned with, ``longest_reply_tokens`` what they may have at most.
    """

    learning: int
    per_game: float
    fewest: int
    most: int
    questions: float
    prompt_tokens: float
    longest_prompt_tokens: int
    shared_tokens: int
    reply_tokens: int
    longest_reply_tokens: int
    example: ExamplePrompt


class CostForecast(_Frozen):
    """What the questions would cost: with replies as they are reckoned, and with the longest allowed.

    ``cached`` is with what prompts share held by the server; None where no price of cached input was given.
    """

    expected: float
    cached: float | None
    longest_replies: float


class BudgetForecast(_Frozen):
    """A limit that was set, and the share of the run (0 to 1) after which it would be reached; None where that is not foreseen."""

    limit: float
    reached_after: float | None


class Forecast(_Frozen):
    """What a run would ask: an estimate, from games played with a stand-in that says the least a reply may say.

    ``learned`` games were learned from, all that the run would, and ``tried`` of the ``episodes`` played. ``given_up`` of these ended for
    want of an idea, where a model that proposes would have been asked on: ``steps_left`` is the mean number of steps that a game tried
    had left then, counting none for the others. ``unasked`` are the roles of the model in which nothing was asked.
    """

    model: str
    environment: str
    ask: str
    learned: int
    episodes: int
    tried: int
    given_up: int
    steps_left: float
    roles: dict[str, RoleForecast]
    questions: float
    input_tokens: float
    output_tokens: float
    unasked: list[str]
    cost: CostForecast | None
    budgets: dict[str, BudgetForecast]


def forecast_view(forecast: Forecast) -> RenderableType:
    """Return the forecast as a person reads it, with an example of each role's questions."""
    title = Text(
        f"{forecast.model} in {forecast.environment}, asked {_WHEN[forecast.ask]}: nothing was asked yet", style="bold"
    )
    parts: list[RenderableType] = [title]
    if forecast.roles:
        parts += [_role_table(forecast)]
    parts += [_summary(forecast)]
    for role, each in forecast.roles.items():
        parts += [Text(f"\nA question of the role {role}", style="bold"), _shown(each.example)]
    return Group(*parts)


_WHEN: Mapping[str, str] = {"never": "nothing", "silent": "where the rules are silent", "always": "always"}


def _role_table(forecast: Forecast) -> Table:
    heads = (
        "while learning",
        "a game",
        "from - to",
        "in all, about",
        "tokens a prompt",
        "longest",
        "shared",
        "a reply",
    )
    table = figures_table("role", *heads)
    for role, each in forecast.roles.items():
        table.add_row(
            role,
            str(each.learning),
            f"{each.per_game:.1f}",
            f"{each.fewest} - {each.most}",
            f"{each.questions:.0f}",
            f"{each.prompt_tokens:.0f}",
            str(each.longest_prompt_tokens),
            str(each.shared_tokens),
            str(each.reply_tokens),
        )
    return table


def _summary(forecast: Forecast) -> Text:
    text = Text(
        f"about {forecast.questions:.0f} questions, {forecast.input_tokens:.0f} tokens in and {forecast.output_tokens:.0f} out",
        style="bold",
    )
    if (cost := forecast.cost) is not None:
        text.append(f": {cost.expected:.4f} in money", style="bold")
        if cost.cached is not None:
            text.append(f", {cost.cached:.4f} where the server holds what the prompts share", style="not bold")
        text.append(
            f", {cost.longest_replies:.4f} with the longest replies allowed",
            style="not bold",
        )
    text.append("\n")
    if forecast.unasked:
        text.append(
            f"in the games tried, nothing was asked of the model to {', '.join(forecast.unasked)}\n", style="not bold"
        )
    if forecast.given_up:
        more = forecast.steps_left * forecast.episodes
        text.append(
            f"{forecast.given_up} of the {forecast.tried} games tried were given up for want of an idea: a model that proposes may go on "
            f"there, which is up to {more:.0f} steps in the whole run, each asking to propose once and perhaps to predict and judge\n",
            style="not bold yellow",
        )
    for name, budget in forecast.budgets.items():
        text.append(f"--max-{name} {budget.limit:g}: {_when_reached(budget)}\n", style="not bold")
    if not forecast.budgets:
        text.append(
            "no budget is set: --max-calls, --max-tokens, --max-cost or --max-seconds would end the run, to be resumed\n",
            style="not bold yellow",
        )
    return text.append(_SMALL_PRINT.format(forecast.learned, forecast.tried, forecast.episodes), style="not bold dim")


def _when_reached(budget: BudgetForecast) -> str:
    if budget.reached_after is None:
        return "not foreseen here"
    if budget.reached_after >= 1:
        return f"enough, as it seems: {1 / budget.reached_after:.0%} of it would be used"
    return f"would stop the run after about {budget.reached_after:.0%} of its questions"


_SMALL_PRINT = (
    "An estimate: learned from {} games and played {} of {} with a stand-in, which says that it knows nothing and proposes nothing "
    "that can be done. A real model leads the play elsewhere, asks for more or for less, and may think aloud at length. A reply that "
    "cannot be used is asked for once more, and a call that fails is tried again: both cost. Tokens are a fourth of the characters; "
    "replies are reckoned as long as a large language model's were on record. Only a budget is a bound."
)


def _shown(example: ExamplePrompt) -> Text:
    text = Text()
    for speaker, said in (("system", example.system), ("user", example.user)):
        cut = (
            said
            if len(said) <= MOST_SHOWN
            else f"{said[:MOST_SHOWN]} … ({len(said) - MOST_SHOWN} more characters: --json has them)"
        )
        text.append(f"{speaker}\n", style="dim")
        text.append(f"{cut}\n")
    return text
