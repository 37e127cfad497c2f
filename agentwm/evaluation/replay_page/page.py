"""An episode as one page for a browser: no other file, no network, no script but its own few keys.

What a world says is data: it is escaped, and the page's own policy lets nothing run or load that is not written here.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources

from agentwm.evaluation.replay_page.parts import (
    action_html,
    change,
    fact_list,
    facts_of,
    mark,
    picture,
    plain,
    safe,
    text_block,
)
from agentwm.records import EpisodeRecord, RunStore, StepRecord
from agentwm.rules.store import RuleStore
from agentwm.types import Fluent, Observation, Outcome, Plan, Prediction, Transition, Value

__all__ = ["episode_page"]

OUTCOMES = 4
SAID_BY = {"llm": "A language model says so."}


def episode_page(store: RunStore, episode: int, rules: RuleStore) -> str:
    """Return the steps of ``episode`` as an HTML page, with the pictures that were kept of them.

    Raises: RunStoreError when there is no such episode.
    """
    record = store.episode(episode)
    steps = store.steps(episode)
    sentences = {entry.id: entry.sentence() for entry in rules.entries}
    pictures = store.screenshots(episode)
    opening = store.opening(episode)
    cards = [] if opening is None else [_opening(opening, pictures.get(0))]
    cards += [_card(step, sentences, pictures) for step in steps]
    body = [
        _head(store, record, steps),
        _timeline(steps, has_opening=opening is not None),
        *cards,
        f'<p class="error">The episode broke off: {safe(record.error)}</p>' if record.error else "",
        f"<footer>agentwm {safe(store.versions.get('agentwm', ''))} · {safe(store.path.name)} · episode {episode}</footer>",
    ]
    return _framed(f"episode {episode}: {record.goal.text}", "\n".join(body))


def _framed(title: str, body: str) -> str:
    style, script = (f"\n{_asset(name)}" for name in ("style.css", "script.js"))
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{safe(title)}</title>\n'
        f'<link rel="icon" href="data:,">\n<style>{style}</style>\n</head>\n<body>\n<div class="page">\n{body}\n</div>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _asset(name: str) -> str:
    return resources.files("agentwm.evaluation.replay_page").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return what a browser knows ``text`` by, so that it and nothing else is obeyed."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


# --- above the steps ------------------------------------------------------------------------------------------------------


def _head(store: RunStore, record: EpisodeRecord, steps: Sequence[StepRecord]) -> str:
    odd = sum(_looks(step) == "odd" for step in steps)
    about = [
        ("environment", store.config.get("environment", "")),
        ("phase", record.phase),
        ("task", record.task),
        ("steps", record.steps or len(steps)),
        ("success foretold rightly", f"{record.predictions_right} of {record.predictions}"),
        ("surprises", odd),
        ("return", f"{record.returned:g}"),
    ]
    told = "".join(f"<li>{safe(name)} <b><bdi>{safe(value)}</bdi></b></li>" for name, value in about)
    return (
        f'<p class="soft small">Episode {record.episode} {_verdict(record)}</p>\n'
        f'<h1><bdi>{safe(record.goal.text or "no goal is said")}</bdi></h1>\n<ul class="about">{told}</ul>'
    )


def _verdict(record: EpisodeRecord) -> str:
    match record.status:
        case "running":
            return mark("cut off", "odd")
        case "error":
            return mark("error", "bad")
        case _:
            return mark("won", "good") if record.won else mark("not won", "bad")


def _timeline(steps: Sequence[StepRecord], *, has_opening: bool) -> str:
    marks = ['<li><a href="#step-0" title="the beginning"></a></li>'] if has_opening else []
    marks += [
        f'<li><a class="{_looks(step)}" href="#step-{step.step + 1}" title="{safe(f"{step.step + 1}  {step.action}")}"></a></li>'
        for step in steps
    ]
    keys = "<kbd>←</kbd> <kbd>→</kbd> step by step · <kbd>n</kbd> <kbd>p</kbd> from surprise to surprise · <kbd>Enter</kbd> the plan"
    return f'<nav aria-label="Steps"><div class="row"><ol>{"".join(marks)}</ol><span class="keys">{keys}</span></div></nav>'


# --- the steps ------------------------------------------------------------------------------------------------------------


def _opening(opening: Observation, png: bytes | None) -> str:
    seen = f'<div class="opening"><h4>What is seen</h4>{text_block(opening.text)}</div>'
    shown = (
        "" if png is None else f"<figure>{picture(png, 'the beginning')}<figcaption>the beginning</figcaption></figure>"
    )
    columns = f'<div class="columns{" pictured" if shown else ""}">{shown}{seen}</div>' if shown else seen
    return f'<article class="step" id="step-0"><header><span class="number">0</span><h3>The beginning</h3></header>{columns}</article>'


def _card(step: StepRecord, sentences: Mapping[str, str], pictures: Mapping[int, bytes]) -> str:
    number, looks = step.step + 1, _looks(step)
    columns = [
        _picture(number, pictures),
        f'<div class="foretold"><h4>What was foretold</h4>{_foretold(step.predicted, sentences)}</div>',
        f'<div class="came"><h4>What came</h4>{_came(step.transition)}</div>',
    ]
    pictured = " pictured" if columns[0] else ""
    return (
        f'<article class="step {looks}" id="step-{number}"><header><span class="number">{number}</span>'
        f"<h3>{action_html(step.action)}</h3>{''.join(_marks(step))}</header>"
        f'<div class="columns{pictured}">{"".join(columns)}</div>{_plan(step.plan)}</article>'
    )


def _looks(step: StepRecord) -> str:
    """Return how a step is marked: odd for a surprise, bad for a failure that was foretold, good for what came as a rule foretold."""
    transition = step.transition
    if transition is None:
        return "odd"
    if _is_surprising(transition):
        return "odd"
    if not transition.succeeded:
        return "bad"
    return "good" if step.predicted is not None and step.predicted.source != "frame" else "plain"


def _is_surprising(transition: Transition) -> bool:
    predicted = transition.predicted
    return bool(transition.surprise) or (predicted is not None and predicted.success != transition.succeeded)


def _marks(step: StepRecord) -> list[str]:
    transition = step.transition
    if transition is None:
        return [mark("not known: the run was cut off here", "odd")]
    seen = transition.observation
    is_odd = _is_surprising(transition)
    marks = [] if transition.succeeded else [mark("failed", "bad")]
    if is_odd:
        marks.append(mark("surprise", "odd"))
    elif step.predicted is not None and step.predicted.source != "frame":
        marks.append(mark("as foretold", "good"))
    else:
        marks.append(mark("nothing was foretold", "plain"))
    if seen.reward:
        marks.append(mark(f"reward {seen.reward:g}", "paid"))
    if seen.terminated or seen.truncated:
        marks.append(mark("the end" if seen.terminated else "broken off", "plain"))
    return marks


def _picture(number: int, pictures: Mapping[int, bytes]) -> str:
    png = pictures.get(number)
    if png is None:
        return ""
    if pictures.get(number - 1) == png:
        return "<figure><figcaption>looks as before</figcaption></figure>"
    return f"<figure>{picture(png, f'after step {number}')}<figcaption>after step {number}</figcaption></figure>"


def _foretold(predicted: Prediction | None, sentences: Mapping[str, str]) -> str:
    if predicted is None:
        return '<p class="soft">Nothing.</p>'
    if predicted.source == "frame":
        return '<p class="soft">No rule speaks, so nothing is known to change.</p>'
    outcomes = predicted.outcomes or (Outcome(1.0),)
    share = _sure(predicted) if len(outcomes) == 1 else None
    parts = [_outcome(each, share or f"{100 * each.probability:.0f} % of the time") for each in outcomes[:OUTCOMES]]
    if not predicted.rules:
        return "".join([*parts, f'<p class="soft small">{safe(SAID_BY.get(predicted.source, predicted.source))}</p>'])
    spoken = [
        f"<dt>{safe(name)}</dt><dd><bdi>{safe(sentences.get(name, 'revised since, and no longer kept'))}</bdi></dd>"
        for name in predicted.rules
    ]
    return "".join([*parts, f'<dl class="rules">{"".join(spoken)}</dl>'])


def _sure(predicted: Prediction) -> str:
    return f"{100 * predicted.confidence:.0f} % sure"


def _outcome(outcome: Outcome, share: str) -> str:
    word = mark("success", "good") if outcome.success else mark("failure", "bad")
    paid = f" {mark(f'reward {outcome.reward:g}', 'paid')}" if outcome.reward else ""
    end = f" {mark('the end', 'plain')}" if outcome.terminated else ""
    nothing = "" if outcome.changes else ": nothing changes"
    return f'<div>{word}{paid}{end} <span class="soft small">{share}{nothing}</span>{fact_list(facts_of(outcome.changes))}</div>'


def _came(transition: Transition | None) -> str:
    if transition is None:
        return '<p class="soft">Nobody knows: the run was cut off before the answer.</p>'
    surprise = transition.surprise
    foretold = transition.predicted.changes if transition.predicted else {}
    odd = [
        change(fluent, value, instead=_instead(fluent, foretold, transition), is_odd=True)
        for fluent, value in surprise.items()
    ]
    as_told = [change(fluent, value) for fluent, value in transition.changed.items() if fluent not in surprise]
    found = len(transition.told)
    told = f'<p class="soft small">{found} fact{"s" if found > 1 else ""} found out</p>' if found else ""
    changed = fact_list([*odd, *as_told]) or '<p class="soft small">nothing changed</p>'
    return f"{text_block(transition.observation.text)}{changed}{told}"


def _instead(fluent: Fluent, foretold: Mapping[Fluent, Value], transition: Transition) -> str | None:
    """Return what ``fluent`` had been foretold to be, None where nobody had heard of it."""
    known = foretold if fluent in foretold else transition.before
    return plain(known[fluent]) if fluent in known else None


# --- the plan -------------------------------------------------------------------------------------------------------------


def _plan(plan: Plan | None) -> str:
    if plan is None:
        return ""
    rows = [
        _plan_row(plan, "chosen"),
        *(_plan_row(each, "vetoed" if each.is_vetoed else "") for each in plan.considered),
    ]
    aim = '<p class="soft small">It is expected to reach the goal.</p>' if plan.reaches_goal else ""
    return (
        f"<details><summary>The plan: <bdi>{safe(plan.reason)}</bdi></summary>"
        f"<table><tr><th></th><th>value</th><th>what was looked at</th></tr>{''.join(rows)}</table>{aim}</details>"
    )


def _plan_row(plan: Plan, said: str) -> str:
    value = "" if plan.value is None else f"{plan.value:.2f}"
    way = " → ".join(f"<bdi>{safe(action)}</bdi>" for action in plan.actions)
    looks = {"chosen": "good", "vetoed": "bad"}.get(said, "plain")
    word = mark(said, looks) if said else ""
    return f'<tr><td>{word}</td><td class="figure">{value}</td><td>{way}</td></tr>'
