"""The ledger of rules for a person at a terminal and, as plain values, for JSON."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agentwm.evaluation.check import Check
from agentwm.evaluation.evidence import Heard
from agentwm.evaluation.needless import Pruning
from agentwm.induction.chance import beta_interval
from agentwm.rules.differences import Changed, Difference
from agentwm.rules.language import Rule
from agentwm.rules.laws import Law
from agentwm.rules.merging import Settlement
from agentwm.rules.store import Record, RuleStore
from agentwm.types import Transition

__all__ = [
    "check_object",
    "check_view",
    "counted",
    "difference_object",
    "difference_view",
    "evidence_view",
    "merge_view",
    "pruning_view",
    "rule_object",
    "rule_table",
]

STEPS_SHOWN = 5
PHASES = {"learn": "learning", "play": "playing"}


def rule_table(rules: Iterable[tuple[Rule | Law, Record]]) -> Table:
    """Return a line for each rule or law: name, state, evidence, trust with its 95 % interval, origin, sentence."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("rule", "state"):
        table.add_column(title, no_wrap=True)
    table.add_column("evidence", justify="right", no_wrap=True)
    table.add_column("trust  95 %", no_wrap=True)
    table.add_column("origin", no_wrap=True)
    table.add_column("", overflow="fold")
    for rule, record in rules:
        low, high = beta_interval(record.supports, record.contradicts)
        trust = Text(f"{record.trust:.3f}").append(f"  {low:.2f}-{high:.2f}", style="dim")
        state = Text(record.state, style="green" if record.state == "active" else "dim")
        sentence = Text(rule.sentence())
        if record.reason:
            sentence.append(f"  ({record.reason})", style="dim")
        table.add_row(
            Text(rule.id, style="cyan"), state, _counts(record), trust, Text(record.origin, style="dim"), sentence
        )
    return table


def rule_object(rule: Rule | Law, record: Record) -> dict[str, object]:
    """Return all that `rule_table` shows of a rule or a law; of a law, which is about no one verb, its source as well."""
    return {
        "id": rule.id,
        "verb": rule.verb if isinstance(rule, Rule) else None,
        "state": record.state,
        "supports": record.supports,
        "contradicts": record.contradicts,
        "trust": round(record.trust, 6),
        "ci95": [round(bound, 6) for bound in beta_interval(record.supports, record.contradicts)],
        "origin": record.origin,
        "reason": record.reason,
        "sentence": rule.sentence(),
        **({"source": rule.source} if isinstance(rule, Law) else {}),
    }


# --- why ------------------------------------------------------------------------------------------------------------------


def evidence_view(spoken: Sequence[Heard], run: str) -> RenderableType:
    """Return the steps of a run for and against a rule: how many, by phase, and the first few, those against it first.

    For a law, also at how many steps it gave no answer, and why at the first of them.
    """
    failed = [each for each in spoken if each.failure]
    spoken = [each for each in spoken if not each.failure]
    text = Text(f"\nspoke at {len(spoken)} steps of {run}", style="bold")
    for phase, name in PHASES.items():
        right = [each.is_right for each in spoken if each.phase == phase]
        if right:
            text.append(f"\n  {name}: {sum(right)} for it, {len(right) - sum(right)} against it", style="not bold")
    for is_right, sign, tone in ((False, "✗", "red"), (True, "✓", "green")):
        steps = [each for each in spoken if each.is_right is is_right]
        for each in steps[:STEPS_SHOWN]:
            text.append(f"\n  {sign} ", style=f"not bold {tone}")
            text.append(f"episode {each.episode}, step {each.step + 1}: {each.transition.action}", style="not bold")
            text.append(f"  {_happened(each.transition)}", style="not bold dim")
        if len(steps) > STEPS_SHOWN:
            text.append(f"\n  {sign} … and {len(steps) - STEPS_SHOWN} more", style="not bold dim")
    if failed:
        text.append(f"\n  gave no answer at {len(failed)} steps: {failed[0].failure}", style="not bold yellow")
    return text


def _happened(transition: Transition) -> str:
    """Return what the action brought, in a line: what changed and what was paid, else what was said."""
    parts = [f"{fluent} = {value}" for fluent, value in transition.changed.items()]
    if transition.observation.reward:
        parts.append(f"reward {transition.observation.reward:g}")
    return ", ".join(parts) or " ".join(transition.observation.text.split()) or "nothing changed"


# --- diff -----------------------------------------------------------------------------------------------------------------


def difference_view(found: Difference, before: RuleStore, after: RuleStore) -> RenderableType:
    """Return what sets two stores apart, a line or two for each rule."""
    if not found:
        return Text(f"no difference: {len(found.kept)} rules, with the same evidence")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for rule in found.added:
        table.add_row(
            Text("+", style="green"), Text(rule.id, style="green"), _counts(after.record(rule)), Text(rule.sentence())
        )
    for rule, reason in found.gone:
        table.add_row(
            Text("-", style="red"), Text(rule.id, style="red"), _counts(before.record(rule)), Text(rule.sentence())
        )
        table.add_row("", "", "", Text(reason or "not in the other store", style="dim"))
    for each in found.changed:
        table.add_row(Text("~", style="yellow"), Text(each.after.id, style="yellow"), "", Text(each.after.sentence()))
        table.add_row("", "", "", Text(_change(each), style="dim"))
    summary = (
        f"{len(found.added)} added, {len(found.gone)} gone, {len(found.changed)} changed, {len(found.kept)} as before"
    )
    return Group(table, Text(f"\n{summary}", style="bold"))


def difference_object(found: Difference, before: RuleStore, after: RuleStore) -> dict[str, object]:
    """Return all that `difference_view` shows, and the rules that are as before."""
    return {
        "added": [rule_object(rule, after.record(rule)) for rule in found.added],
        "gone": [rule_object(rule, before.record(rule)) | {"reason": reason} for rule, reason in found.gone],
        "changed": [
            {
                "id": each.after.id,
                "sentence": each.after.sentence(),
                "supports": [counts[0] for counts in each.counts],
                "contradicts": [counts[1] for counts in each.counts],
                "probabilities": list(each.probabilities),
            }
            for each in found.changed
        ],
        "kept": [rule.id for rule in found.kept],
    }


def _change(each: Changed) -> str:
    (supports, contradicts), (now_supports, now_contradicts) = each.counts
    parts = []
    if each.counts[0] != each.counts[1]:
        parts.append(f"evidence {supports}+ {contradicts}- → {now_supports}+ {now_contradicts}-")
    if each.probabilities[0] != each.probabilities[1]:
        old, new = (", ".join(f"{p:.2f}" for p in side) for side in each.probabilities)
        parts.append(f"probability {old} → {new}")
    return "; ".join(parts)


# --- check, prune, merge --------------------------------------------------------------------------------------------------


def check_view(found: Check) -> RenderableType:
    """Return how each rule stood in fresh experience, the refuted ones first, and what no rule foretold."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    table.add_column("rule", no_wrap=True)
    for title in ("spoke", "right", "wrong"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for each in sorted(found.standings, key=lambda each: (not each.is_refuted, -each.wrong, -each.right)):
        spoke = each.right + each.wrong
        sign, tone = ("✗", "red") if each.is_refuted else ("✓", "green") if spoke else ("·", "dim")
        sentence = Text(each.rule.sentence(), style="" if spoke else "dim")
        if each.is_refuted:
            sentence.append(f"  (p = {each.chance:.1g})", style="red")
        if each.failures:
            sentence.append(f"  (gave no answer {each.failures} times: {each.failure})", style="yellow")
        counts = [Text(str(count), style="" if spoke else "dim") for count in (spoke, each.right, each.wrong)]
        table.add_row(Text(sign, style=tone), Text(each.rule.id, style="cyan"), *counts, sentence)
    parts: list[RenderableType] = [table]
    if found.unforetold:
        parts.append(Text("\nwhat no rule foretold", style="bold"))
        rows = Table.grid(padding=(0, 2, 0, 0))
        rows.add_column(justify="right", style="yellow")
        for verb, names in _by_verb(found.unforetold).items():
            rows.add_row(
                f"{sum(names.values())}", Text(verb), Text(", ".join(f"{n} {count}" for n, count in names.items()))
            )
        parts.append(rows)
    kinds = "rules and laws" if any(isinstance(each.rule, Law) for each in found.standings) else "rules"
    spoke_once = sum(each.right + each.wrong > 0 for each in found.standings)
    summary = (
        f"{found.steps} steps; of {len(found.standings)} {kinds} {spoke_once} spoke; refuted: {len(found.refuted)}"
    )
    parts.append(Text(f"\n{summary}", style="bold red" if found.refuted else "bold"))
    return Group(*parts)


def check_object(found: Check) -> dict[str, object]:
    """Return all that `check_view` shows."""
    return {
        "steps": found.steps,
        "refuted": [rule.id for rule in found.refuted],
        "rules": [
            {
                "id": each.rule.id,
                "right": each.right,
                "wrong": each.wrong,
                "p": round(each.chance, 6),
                "sentence": each.rule.sentence(),
                **({"failures": each.failures, "failure": each.failure} if isinstance(each.rule, Law) else {}),
            }
            for each in found.standings
        ],
        "unforetold": _by_verb(found.unforetold),
    }


def pruning_view(found: Pruning, store: RuleStore) -> RenderableType:
    """Return which rules are needless and why and, where the exact answer was asked for, how far the quick one is from it."""
    parts: list[RenderableType] = []
    if found.reasons:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(style="red", no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for rule in store.believed:
            if rule.id in found.reasons:
                table.add_row(rule.id, _counts(store.record(rule)), Text(rule.sentence()))
                table.add_row("", "", Text(found.reasons[rule.id], style="dim"))
        parts += [table, Text()]
    if found.cover is not None:
        cover = found.cover
        bound = "the fewest there can be" if cover.is_optimal else f"at least {cover.bound} are needed"
        parts.append(Text(f"exact: {cover.value} rules ({bound}); greedy: {cover.greedy}; gap {cover.gap}"))
    summary = f"{len(found.reasons)} of {counted(store)} are needless: {found.speaking} spoke in {found.transitions} transitions"
    parts.append(Text(summary, style="bold"))
    return Group(*parts)


def merge_view(merged: RuleStore, settled: Sequence[Settlement]) -> RenderableType:
    """Return what had to be settled, and how many rules there are now."""
    parts: list[RenderableType] = []
    if settled:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for each in settled:
            sign, tone = ("✓", "green") if each.is_kept else ("✗", "red")
            table.add_row(Text(sign, style=tone), Text(each.rule.id, style="cyan"), Text(each.rule.sentence()))
            table.add_row("", "", Text(each.reason, style="dim"))
        parts += [Text("settled by evidence", style="bold"), table, Text()]
    parts.append(
        Text(
            f"{counted(merged)} ({len(merged.given_up)} retired), {len(settled)} settled",
            style="bold",
        )
    )
    return Group(*parts)


def _by_verb(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    by_verb: dict[str, dict[str, int]] = {}
    for (verb, name), count in counts.items():
        by_verb.setdefault(verb, {})[name] = count
    return by_verb


def _counts(record: Record) -> Text:
    return Text(f"{record.supports}+ {record.contradicts}-")


def counted(store: RuleStore) -> str:
    """Return how many active rules, and laws if any, there are, in words."""
    laws = f" and {len(store.laws)} {'law' if len(store.laws) == 1 else 'laws'}" if store.laws else ""
    return f"{len(store.rules)} rules{laws}"
