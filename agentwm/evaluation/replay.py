"""An episode, step by step: what was predicted beside what happened."""

from pathlib import Path

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agentwm.errors import ConfigurationError
from agentwm.evaluation.replay_page import episode_page
from agentwm.records import EpisodeRecord, RunStore, StepRecord
from agentwm.rules.language import Rule
from agentwm.rules.laws import Law
from agentwm.rules.store import Record, RuleStore
from agentwm.types import Prediction, State, Transition

__all__ = ["episode_list", "episode_view", "rule_view", "write_page"]

SPOKEN_SHOWN = 5


def episode_list(store: RunStore) -> RenderableType:
    """Return all episodes of a run, a line each."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    table.add_column("episode", justify="right")
    for title in ("phase", "", "task type", "goal"):
        table.add_column(title)
    table.add_column("steps", justify="right")
    table.add_column("foretold", justify="right")
    for each in store.episodes():
        right = f"{each.predictions_right}/{each.predictions}"
        table.add_row(
            str(each.episode), each.phase, _verdict(each), each.task_type, Text(each.goal.text), str(each.steps), right
        )
    return table


def episode_view(store: RunStore, episode: int, rules: RuleStore) -> RenderableType:
    """Return the steps of ``episode`` with their predictions, and the rules that spoke in it.

    Raises: RunStoreError when there is no such episode.
    """
    steps = store.steps(episode)
    record = next(each for each in store.episodes() if each.episode == episode)
    title = Text(f"episode {episode} · {record.phase} · {record.task_type} · ", style="bold")
    title.append_text(_verdict(record)).append(f"\n{record.task}", style="not bold dim")
    title.append(f"\ngoal: {record.goal.text}\n", style="not bold")
    parts: list[RenderableType] = [title]
    opening = store.opening(episode)
    if opening is not None:
        parts.append(Text(f"{opening.text.strip()}\n", style="dim"))
    parts += [_step_view(step) for step in steps]
    if record.error:
        parts.append(Text(record.error, style="red"))
    spoken = list(dict.fromkeys(name for step in steps if step.predicted for name in step.predicted.rules))
    if spoken:
        parts += [Text("\nthe rules that spoke", style="bold"), _named_rules(spoken, rules)]
    return Group(*parts)


def write_page(store: RunStore, episode: int, rules: RuleStore, path: Path) -> None:
    """Write ``episode`` to ``path`` as one page for a browser, which needs no other file.

    Raises: RunStoreError when there is no such episode; ConfigurationError when the file cannot be written.
    """
    text = episode_page(store, episode, rules)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write the page to {path}: {error.strerror}") from error


def rule_view(rule: Rule | Law, record: Record, store: RunStore | None = None) -> RenderableType:
    """Return one rule, or one law as its source, with its record and, of a run, the steps where it spoke: the wrong ones first."""
    about = Text(f"{rule.id}", style="bold")
    about.append(f"  {record.state}, from {record.origin}", style="not bold dim")
    about.append(f"\n\n{rule.text() if isinstance(rule, Rule) else _source(rule)}", style="not bold")
    about.append(f"\n{record.supports} steps support it, {record.contradicts} contradict it", style="not bold")
    about.append(f"; trust {record.trust:.3f}", style="not bold dim")
    if record.parents:
        about.append(f"\nrevised from {', '.join(record.parents)}", style="not bold")
    if record.reason:
        about.append(f"\n{record.reason}", style="not bold")
    for example in record.examples:
        about.append(f"\n  {example}", style="not bold dim")
    if store is None:
        return about
    spoken = [
        (each.episode, step.step, step.predicted, step.transition)
        for each in store.episodes()
        for step in store.steps(each.episode)
        if step.predicted and step.transition and rule.id in step.predicted.rules
    ]
    spoken.sort(key=lambda item: item[2].success == item[3].succeeded)
    about.append(f"\n\nspoke at {len(spoken)} steps of {store.path}", style="bold")
    for episode, number, predicted, transition in spoken[:SPOKEN_SHOWN]:
        is_right = predicted.success == transition.succeeded
        about.append(f"\n  {'✓' if is_right else '✗'} ", style="not bold green" if is_right else "not bold red")
        about.append(f"episode {episode}, step {number + 1}: {transition.action}", style="not bold")
        about.append(f"  {_one_line(transition.observation.text)}", style="not bold dim")
    return about


def _source(law: Law) -> str:
    """Return the source of a law without the characters that would tell a terminal to do something."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in law.source)


def _step_view(step: StepRecord) -> Text:
    text = Text(f"{step.step + 1:>3}  {step.action}\n", style="bold", end="")
    text.append("     predicted  ", style="not bold dim").append_text(_prediction(step.predicted))
    text.append("\n     happened   ", style="not bold dim")
    transition = step.transition
    if transition is None:
        return text.append("not known: the run was cut off here\n", style="not bold yellow")
    text.append("success  " if transition.succeeded else "failure  ", style=_tone(is_good=_as_predicted(transition)))
    text.append(_one_line(transition.observation.text), style="not bold")
    if transition.surprise:
        text.append(f"\n     surprise   {_facts(transition.surprise)}", style="not bold yellow")
    return text.append("\n")


def _prediction(predicted: Prediction | None) -> Text:
    if predicted is None:
        return Text("nothing", style="not bold dim")
    text = Text("success  " if predicted.success else "failure  ", style="not bold")
    text.append(f"{100 * predicted.confidence:.0f} %", style="dim")
    if predicted.success and predicted.changes:
        text.append(f"  {_facts(predicted.changes)}")
    by = f"{predicted.source}: {', '.join(predicted.rules)}" if predicted.rules else predicted.source
    return text.append(f"  ({by})", style="dim")


def _as_predicted(transition: Transition) -> bool:
    return transition.predicted is None or transition.predicted.success == transition.succeeded


def _named_rules(names: list[str], rules: RuleStore) -> Table:
    known = {entry.id: entry.sentence() for entry in rules.entries}
    table = Table.grid(padding=(0, 2))
    for name in names:
        table.add_row(
            Text(name, style="cyan"), Text(known.get(name, "revised since, and no longer kept"), overflow="fold")
        )
    return table


def _verdict(record: EpisodeRecord) -> Text:
    match record.status:
        case "running":
            return Text("cut off", style="yellow")
        case "error":
            return Text("error", style="red")
        case _:
            return Text("won", style="green") if record.won else Text("not won", style="red")


def _facts(state: State) -> str:
    return ", ".join(f"{fluent} = {value}" for fluent, value in state.items())


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _tone(*, is_good: bool) -> str:
    return "not bold green" if is_good else "not bold red"
