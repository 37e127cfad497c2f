"""The commands ``agentwm rules …``: the ledger of what was learned."""
# ruff: noqa: PLC0415 -- a command imports what it needs when it runs, so that --help answers at once

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentwm.errors import AgentwmError, ConfigurationError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from agentwm.induction.credit import Example
    from agentwm.rules.language import Rule
    from agentwm.rules.laws import Law
    from agentwm.rules.salvage import Problem
    from agentwm.rules.store import RuleStore
    from agentwm.types import Vocabulary

__all__ = ["console", "rules_app"]

MAX_LINE = 100_000

Store = Annotated[Path, typer.Argument(metavar="DIR|RUN", help="A folder of rules, or a run; RUN@3: after episode 3.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]

rules_app = typer.Typer(
    help="Read, compare, check and share the rules that were learned.", no_args_is_help=True, rich_markup_mode=None
)


@rules_app.command("list")
def list_rules(
    path: Store,
    *,
    retired: Annotated[bool, typer.Option("--retired", help="Also those that were given up, and why.")] = False,
    verb: Annotated[str | None, typer.Option(help="Only the rules about this verb.")] = None,
    write: Annotated[
        bool,
        typer.Option("--write", help="Rename the files that cannot be read to *.damaged, so that the rest is a store."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the rules and laws, one a line, with evidence and trust."""
    from agentwm.evaluation.ledger import rule_object, rule_table

    store = _store(path, write=write)
    rules = [*store.rules, *(store.retired if retired else ())]
    entries: list[Rule | Law] = [*rules, *store.laws, *(store.retired_laws if retired else ())]
    if verb is not None:
        known = sorted({rule.verb for rule in rules})
        if verb not in known:
            raise ConfigurationError(
                f"expected a verb that the rules are about, got {verb!r}; there is: {', '.join(known)}"
            )
        entries = [rule for rule in rules if rule.verb == verb]  # no law is about one verb
    if as_json:
        _print_json([rule_object(entry, store.record(entry)) for entry in entries])
    else:
        _print_lines(rule_table((entry, store.record(entry)) for entry in entries))


@rules_app.command("show")
def show_rules(
    path: Store,
    *,
    retired: Annotated[bool, typer.Option("--retired", help="Also those that were given up, and why.")] = False,
) -> None:
    """Show all rules and laws as sentences, with their evidence."""
    from rich.text import Text

    from agentwm.evaluation.display import rule_list

    store = _store(path)
    screen = console()
    screen.print(rule_list([(entry, store.record(entry)) for entry in store.believed], with_names=True))
    if retired and store.given_up:
        screen.print(Text(f"\nretired: {len(store.given_up)}", style="bold"))
        screen.print(rule_list([(entry, store.record(entry)) for entry in store.given_up], with_names=True))


@rules_app.command("why")
def why_rule(
    path: Store,
    rule: Annotated[str, typer.Argument(help="The rule's name, or the beginning of it.")],
) -> None:
    """Show one rule, or one law as its source, and, for a run, the steps for and against it."""
    from agentwm import build
    from agentwm.evaluation.evidence import hearings, vocabulary_of
    from agentwm.evaluation.ledger import evidence_view
    from agentwm.evaluation.replay import rule_view
    from agentwm.records import RunStore

    rules = _store(path)
    found = rules.find(rule)
    folder, _ = _moment(path)
    if not RunStore.is_at(folder):
        console().print(rule_view(found, rules.record(found)))
        return
    with RunStore.open(folder) as records:
        try:
            words = vocabulary_of(records, build.environment(str(records.config["environment"])))
        except AgentwmError as error:  # its games may be gone: what was predicted is on record all the same
            sys.stderr.write(f"agentwm: only the steps that {found.id} was asked about are shown: {error}\n")
            console().print(rule_view(found, rules.record(found), records))
            return
        spoken = list(hearings(found, rules, records, words))
        console().print(rule_view(found, rules.record(found)))
        console().print(evidence_view(spoken, str(folder)))


@rules_app.command("diff")
def diff_rules(
    before: Annotated[Path, typer.Argument(metavar="A", help="A folder of rules, or a run; RUN@3: after episode 3.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="What A is compared with.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show what became of the rules and laws of A in B, and why."""
    from agentwm.evaluation.ledger import difference_object, difference_view
    from agentwm.rules.differences import difference

    stores = _store(before), _store(after)
    found = difference(*stores)
    if as_json:
        _print_json(difference_object(found, *stores))
    else:
        console().print(difference_view(found, *stores))


@rules_app.command("check")
def check_rules(
    path: Store,
    *,
    env: Annotated[str, typer.Option("--env", metavar="ENV", help="The environment to play.")],
    episodes: Annotated[int, typer.Option(min=1, help="Games to play.")] = 3,
    altered: Annotated[int | None, typer.Option(min=0, help="Draw a world with other laws, from this seed.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the games and the choices.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Hold the rules and laws against fresh play. Exit code 1 if one is wrong more often than its probability allows."""
    from agentwm.evaluation.check import check
    from agentwm.evaluation.ledger import check_object, check_view

    store = _store(path)
    found = check(store, *_experience(store, env, episodes, altered, seed))
    if as_json:
        _print_json(check_object(found))
    else:
        console().print(check_view(found))
    if found.refuted:
        raise typer.Exit(1)


@rules_app.command("prune")
def prune_rules(
    path: Annotated[Path, typer.Argument(metavar="DIR|RUN", help="A folder of rules, or a run.")],
    *,
    run: Annotated[Path, typer.Option(help="The run whose transitions must stay explained.")],
    exact: Annotated[
        bool, typer.Option("--exact", help="Keep the fewest rules possible, and say what that gains.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Retire the needless rules; else they are only shown.")
    ] = False,
) -> None:
    """Find the rules and laws that the steps of a run do not need."""
    from agentwm.evaluation.ledger import pruning_view
    from agentwm.evaluation.needless import needless
    from agentwm.records import RunStore

    if write and RunStore.is_at(path):
        with RunStore.open(path) as records:
            if not records.is_finished:
                raise ConfigurationError(
                    f"the run in {path} is not finished and would write its rules again: finish it first"
                )
    store = _store(path, write=write)
    found = needless(store, *_lived(run), exact=exact)
    console().print(pruning_view(found, store))
    if write:
        store.retire({name: f"pruned: {reason}" for name, reason in found.reasons.items()}).save(path)
        console().print(f"written to {path}")
    elif found.reasons:
        console().print("nothing was written; --write retires them")


@rules_app.command("merge")
def merge_rules(
    one: Annotated[Path, typer.Argument(metavar="A", help="A folder of rules, or a run.")],
    other: Annotated[Path, typer.Argument(metavar="B", help="Another, learned from other episodes.")],
    *,
    out: Annotated[Path, typer.Option(help="A new folder for the rules of both.")],
) -> None:
    """Put two stores together. Evidence is added up, and where they disagree it decides."""
    from agentwm.evaluation.ledger import merge_view
    from agentwm.rules.merging import merge

    _expect_new(out, "choose another --out")
    merged, settled = merge(_store(one), _store(other))
    _save(merged, out)
    console().print(merge_view(merged, settled))
    console().print(f"saved in {out}")


@rules_app.command("export")
def export_rules(
    path: Store,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a whole rule store to one JSON file."""
    from agentwm.evaluation.ledger import counted
    from agentwm.rules.exchange import to_text

    store = _store(path)
    if file.exists() and not force:
        raise ConfigurationError(f"expected a new file, but {file} exists: choose another, or --force")
    try:
        file.write_text(to_text(store), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write {file}: {error.strerror}") from error
    console().print(f"{counted(store)} ({len(store.given_up)} retired) written to {file}")


@rules_app.command("import")
def import_rules(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `agentwm rules export` wrote.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to write the rules to.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace the rules in the folder.")] = False,
) -> None:
    """Write an exported rule store to a folder."""
    from agentwm.evaluation.ledger import counted
    from agentwm.rules.exchange import from_text

    try:
        store = from_text(file.read_text(encoding="utf-8"), source=str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {file}: {error}") from error
    if not force:
        _expect_new(folder, "choose another, or --force")
    _save(store, folder)
    console().print(f"{counted(store)} ({len(store.given_up)} retired) written to {folder}")


# --- what the commands share ----------------------------------------------------------------------------------------------


def console() -> "Console":
    """Return the console for what a command answers."""
    from rich.console import Console

    # Wide enough to keep a table whole where the output goes to a file, which has no width of its own.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 160)


def _store(path: Path, *, write: bool = False) -> "RuleStore":
    """Return the rules in ``path``, a folder, a run (which is one) or a moment of a run; what is damaged is said aloud and left out.

    ``write`` renames what is damaged.
    """
    from agentwm.evaluation.evidence import rules_at
    from agentwm.records import RunStore
    from agentwm.rules.salvage import salvage, set_aside

    folder, episode = _moment(path)
    if episode is not None:
        with RunStore.open(folder) as records:
            return rules_at(records, episode)
    store, problems = salvage(folder)
    _report(problems, set_aside(folder, store, problems) if write and problems else [])
    return store


def _moment(path: Path) -> tuple[Path, int | None]:
    """Return the folder that ``path`` means and the number after its @, if it has one."""
    name, _, number = path.name.rpartition("@")
    if name and number.isdecimal() and not path.exists():
        return path.with_name(name), int(number)
    return path, None


def _report(problems: "list[Problem]", renamed: list[Path]) -> None:
    for problem in problems:
        sys.stderr.write(f"agentwm: set aside: {' '.join(problem.reason.split())}\n")
    for path in renamed:
        sys.stderr.write(f"agentwm: renamed to {path}\n")
    if problems and not renamed:
        sys.stderr.write("agentwm: nothing was changed; `agentwm rules list --write` renames what is damaged\n")


def _lived(run: Path) -> "tuple[list[Example], Vocabulary]":
    """Return what was lived in a run, and what could be said there."""
    from agentwm import build
    from agentwm.evaluation.evidence import vocabulary_of
    from agentwm.induction.credit import examples
    from agentwm.records import RunStore

    with RunStore.open(run) as records:
        words = vocabulary_of(records, build.environment(str(records.config["environment"])))
        lived = [e for each in records.episodes() for e in examples(records.trajectory(each.episode), words)]
    return lived, words


def _experience(
    store: "RuleStore", name: str, episodes: int, altered: int | None, seed: int
) -> "tuple[list[Example], Vocabulary]":
    """Return what was lived in fresh episodes, and what could be said there."""
    from contextlib import closing

    from agentwm import build
    from agentwm.evaluation.check import experience
    from agentwm.types import EnvironmentOptions

    spec = build.environment(name)
    options = EnvironmentOptions(altered=altered, count=episodes, seed=seed)
    with closing(spec.make(options)) as environment:
        tasks = environment.tasks()[:episodes]
        if not tasks:
            raise ConfigurationError(f"expected tasks to play, but {name} has none to offer for these options")
        played = list(experience(environment, store, tasks, seed=seed, max_steps=spec.learning_steps))
    return [example for lived, _ in played for example in lived], played[-1][1]


def _expect_new(folder: Path, advice: str) -> None:
    """Raise a ConfigurationError when there is anything in ``folder`` already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"expected a new folder for the rules, but there is something in {folder}: {advice}")


def _save(store: "RuleStore", folder: Path) -> None:
    try:
        store.save(folder)
    except OSError as error:
        raise ConfigurationError(f"cannot write the rules to {folder}: {error.strerror}") from error


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _print_lines(table: "Table") -> None:
    """Print a table; to a file, with every row on a line of its own, however long it is."""
    if sys.stdout.isatty():
        console().print(table)
        return
    from rich.console import Console

    wide = Console(highlight=False, width=MAX_LINE)
    with wide.capture() as lines:
        wide.print(table)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in lines.get().splitlines()))
