"""Candidate futures as a person reads them: course by course, then where they part; and a plan beside the plans it was weighed against."""

import io
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from agentwm.rules.language import format_term
from agentwm.types import Plan, State, Value
from agentwm.what_if.futures import Course, Foretold, Future, Parting, WhatIf
from agentwm.what_if.recorded import Moment, Replanned

__all__ = ["moment_view", "plain", "replanned_view", "what_if_view"]

WIDTH = 120
FUTURES_SHOWN = 4
PARTINGS_SHOWN = 12
PLANS_SHOWN = 10
SILENT = {"frame": "no rule speaks (frame): nothing else is known to change", "llm": "a language model says so (llm)"}


def plain(view: RenderableType) -> str:
    """Return ``view`` as plain text."""
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None, highlight=False)
    with console.capture() as captured:
        console.print(view)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def moment_view(moment: Moment) -> Text:
    """Return what the episode is about, and what the agent itself is known to be, to be at and to have."""
    text = Text(f"before step {moment.step} of episode {moment.episode} · {moment.goal.text}\n", style="bold")
    own = {fluent: value for fluent, value in moment.state.items() if not fluent.args}
    return text.append(f"{_facts(own)}\n" if own else "", style="not bold dim")


def what_if_view(found: WhatIf) -> RenderableType:
    """Return each course with its futures, why they are expected and what really happened, and then where they part."""
    parts: list[RenderableType] = []
    for number, course in enumerate(found.courses, 1):
        parts += [_course_view(number, course), Text()]
    if len(found.courses) > 1:
        parts.append(_partings_view(found.courses, found.partings))
    return Group(*parts)


def _course_view(number: int, course: Course) -> RenderableType:
    head = Text(f"{number}  {course.command}", style="bold")
    head.append(f"  confidence {_percent(course.confidence)}", style="not bold dim")
    table = Table.grid(padding=(0, 2))
    for width in (12, 10):
        table.add_column(min_width=width, no_wrap=True)
    table.add_column(overflow="fold")
    for each in course.futures[:FUTURES_SHOWN]:
        table.add_row(f"     {_percent(each.probability):>6}", _verdict(is_success=each.success), _outcome(each))
    if rest := course.futures[FUTURES_SHOWN:]:
        share = _percent(sum(each.probability for each in rest))
        table.add_row(f"     {share:>6}", "", Text(f"{len(rest)} other ways", style="dim"))
    if course.happened is not None:
        table.add_row(*_happened(course))
    for step in course.steps:
        for place, reason in enumerate(_reasons(step, is_alone=len(course.steps) == 1)):
            table.add_row(Text("" if place else "     because", style="dim"), *reason)
    return Group(head, table)


def _outcome(future: Future) -> Text:
    text = Text(_facts(future.changes) if future.changes else "nothing changes")
    text.append(_paid(future.reward, is_end=future.is_end), style="cyan")
    return text.append(f"  {_one_line(future.text)}" if future.text else "", style="dim")


def _happened(course: Course) -> tuple[Text, Text, Text]:
    happened = course.happened
    assert happened is not None
    text = Text(_facts(happened.changes) if happened.changes else "nothing changes")
    text.append(_paid(happened.reward or None, is_end=happened.is_end), style="cyan")
    text.append(f"  {_one_line(happened.text)}", style="dim")
    if happened.future is None:
        text.append("  ✗ in none of these futures", style="red")
    else:
        text.append(f"  ✓ as in future {happened.future + 1}", style="green")
    return Text("     happened", style="yellow"), _verdict(is_success=happened.success), text


def _reasons(step: Foretold, *, is_alone: bool) -> list[tuple[Text, Text]]:
    """Return who said what of one action: each rule with its id and sentence, and those who are no rules."""
    about = "" if is_alone else f"{step.command}: "
    reasons = [(Text(name, style="cyan"), Text(f"{about}{sentence}")) for name, sentence in step.rules.items()]
    silent = [SILENT[source] for source in step.sources if source in SILENT]
    return [*reasons, *((Text("-", style="dim"), Text(f"{about}{each}", style="dim")) for each in silent)]


def _partings_view(courses: Sequence[Course], partings: Sequence[Parting]) -> RenderableType:
    if not partings:
        return Text("all these futures are the same\n", style="bold")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    table.add_column("where they part", overflow="fold")
    for number, _ in enumerate(courses, 1):
        table.add_column(str(number), overflow="fold")
    for parting in partings[:PARTINGS_SHOWN]:
        table.add_row(str(parting.about), *map(_chances, parting.chances))
    if more := len(partings) - PARTINGS_SHOWN:
        table.caption = f"and {more} more facts" if more > 0 else None
    return table


def _chances(chances: Mapping[Value, float]) -> Text:
    """Return the most probable value, with its probability where it is not sure."""
    value, probability = next(iter(chances.items()), (None, 0.0))
    if not chances or probability < 1 - sum(chances.values()):
        return Text("?", style="dim")
    text = Text(_plain(value))
    return text if probability >= 0.995 else text.append(f" {_percent(probability)}", style="dim")


# --- a plan beside others -------------------------------------------------------------------------------------------------


def replanned_view(replanned: Replanned, *, done: str | None = None) -> RenderableType:
    """Return the plan that was chosen, action by action, and all others that were considered; ``done`` is what was done in the run."""
    plan = replanned.plan
    head = Text(f"{replanned.planner} ", style="bold")
    if not plan.actions:
        head.append(f"has no plan: {plan.reason}", style="not bold")
        parts: list[RenderableType] = [head]
    else:
        chosen = replanned.imagined.courses[0]
        head.append(f"chooses {chosen.steps[0].command}").append(f"  {plan.reason}", style="not bold dim")
        parts = [head, _steps_view(chosen, plan), Text("imagined: ", style="dim").append_text(_imagined(plan, chosen))]
    if done is not None:
        is_same = bool(plan.actions) and replanned.imagined.courses[0].steps[0].command == done
        parts.append(Text(f"done in the run: {done}{' (the same)' if is_same else ''}", style="yellow"))
    parts.append(Text(_spent(plan), style="dim"))
    if len(replanned.plans) > 1:
        parts.append(_plans_table(replanned))
    return Group(*parts)


def _steps_view(course: Course, plan: Plan) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", min_width=6)
    for step in course.steps:
        by = ", ".join((*step.rules, *(source for source in step.sources if source != "rules")))
        table.add_row(_percent(step.confidence), Text(step.command), Text(by, style="dim"))
    if plan.reaches_goal:
        table.add_row("", Text("the goal is reached", style="green"), "")
    return table


def _plans_table(replanned: Replanned) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    table.add_column("")
    table.add_column("value", justify="right")
    table.add_column("considered", overflow="fold", ratio=2)
    table.add_column("imagined", overflow="fold", ratio=3)
    pairs = list(zip(replanned.plans, replanned.imagined.courses, strict=True))
    for number, (plan, course) in enumerate(pairs[:PLANS_SHOWN]):
        is_chosen = number == 0 and bool(replanned.plan.actions)
        mark = Text("✓", style="green") if is_chosen else Text("✗" if _is_vetoed(plan, course) else "", style="red")
        value = "" if plan.value is None else f"{round(plan.value, 2) + 0.0:.2f}"
        table.add_row(mark, value, Text(course.command), _imagined(plan, course))
    if (more := len(pairs) - PLANS_SHOWN) > 0:
        table.caption = f"and {more} more"
    return table


def _is_vetoed(plan: Plan, course: Course) -> bool:
    return plan.is_vetoed or (bool(course.steps) and course.steps[0].is_vetoed)


def _imagined(plan: Plan, course: Course) -> Text:
    """Return the most probable future of ``course``, and the rules that veto it, if they do."""
    text = Text()
    for each in course.futures[:1]:
        text.append(f"{_percent(each.probability):>5}  ", style="dim").append_text(_outcome(each))
    if course.veto is not None:
        sentences = "; ".join(course.veto.rules.values())
        text.append(f"\nvetoed at {course.veto.command}: {sentences}", style="red")
    elif plan.is_vetoed:
        text.append("\nvetoed", style="red")
    return text


def _spent(plan: Plan) -> str:
    spent = plan.spent
    return f"{spent.model_calls} model calls, {spent.seconds:.2f} s; {len(plan.considered)} other plans considered"


# --- words ----------------------------------------------------------------------------------------------------------------


def _facts(state: State) -> str:
    return ", ".join(f"{fluent} = {_plain(value)}" for fluent, value in state.items())


def _plain(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else format_term(value)


def _paid(reward: float | None, *, is_end: bool) -> str:
    paid = f"  reward {reward:g}" if reward else ""
    return f"{paid}  the end" if is_end else paid


def _verdict(*, is_success: bool) -> Text:
    return Text("success", style="green") if is_success else Text("failure", style="red")


def _percent(probability: float) -> str:
    return f"{100 * probability:.1f} %" if 0 < probability < 0.095 else f"{100 * probability:.0f} %"


def _one_line(text: str) -> str:
    return " ".join(text.split())
