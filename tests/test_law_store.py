"""Laws in the rule store: kept on disk, found, set aside, compared, merged and shown on the command line, like any rule."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentwm import RuleStore
from agentwm.errors import RuleError
from agentwm.rules.differences import difference
from agentwm.rules.exchange import from_text, to_text
from agentwm.rules.language import Rule
from agentwm.rules.laws import LONGEST_SOURCE, Law, parse_law
from agentwm.rules.merging import merge
from agentwm.rules.salvage import salvage, set_aside
from agentwm.rules.store import Record
from tests.scripted_laws import GROWS, PAYS, SHRINKS, holding, law

# --- the store -----------------------------------------------------------------------------------------------------------------

LAWS = st.builds(
    lambda number, text: law(number, says=f"return {{'wood()': {text!r}}}"), st.integers(0, 9), st.text(max_size=20)
)
RECORDS = st.builds(
    Record,
    supports=st.integers(0, 50),
    contradicts=st.integers(0, 50),
    origin=st.sampled_from(["person", "a-model"]),
    reason=st.text(max_size=10),
)


@st.composite
def stores(draw: st.DrawFn) -> RuleStore:
    rules = draw(st.lists(st.sampled_from([GROWS, SHRINKS, PAYS]), unique=True))
    laws = list({each.id: each for each in draw(st.lists(LAWS, max_size=5))}.values())
    entries: list[Rule | Law] = [*rules, *laws]
    gone = {each.id for each in entries if draw(st.booleans())}
    states = {True: "retired", False: "active"}
    return RuleStore(
        tuple(each for each in rules if each.id not in gone),
        {each.id: draw(RECORDS).model_copy(update={"state": states[each.id in gone]}) for each in entries},
        tuple(each for each in rules if each.id in gone),
        laws=tuple(each for each in laws if each.id not in gone),
        retired_laws=tuple(each for each in laws if each.id in gone),
    )


@settings(max_examples=60)
@given(stores())
def test_a_store_with_laws_is_loaded_as_it_was_saved_and_imported_as_it_was_exported(store: RuleStore) -> None:
    with tempfile.TemporaryDirectory() as name:
        store.save(Path(name))
        assert RuleStore.load(Path(name)) == store
    assert from_text(to_text(store), source="a test") == store
    assert RuleStore.from_files(store.files(), source="a test").files() == store.files()


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_law_is_saved_as_it_is_whatever_ends_its_lines_and_however_long_it_may_be(
    line_end: str, tmp_path: Path
) -> None:
    source = law().source.rstrip("\n")
    long = source + "\n#" + "x" * (LONGEST_SOURCE - len(source) - 2)
    for text in (source, long):
        store = RuleStore(laws=(parse_law(text.replace("\n", line_end)),))
        store.save(tmp_path)
        assert RuleStore.load(tmp_path).laws == store.laws


def test_a_law_is_one_file_of_python_named_after_it(tmp_path: Path) -> None:
    RuleStore(laws=(law(),)).save(tmp_path)
    (path,) = (tmp_path / "rules").iterdir()
    assert path.name == f"{law().id}.law.py"
    assert path.read_text(encoding="utf-8") == law().source


def test_a_store_without_laws_says_nothing_of_laws(tmp_path: Path) -> None:
    store = RuleStore((GROWS, PAYS), {GROWS.id: Record(supports=3)})
    assert [*store.files()] == [
        *(f"rules/{rule.id}.rule" for rule in store.rules),
        "records.json",
        "silence.json",
        "knowledge.json",
    ]
    assert json.loads(to_text(store)).keys() == {"version", "rules", "silence", "knowledge"}
    assert "law" not in "".join(store.files().values()) + to_text(store)
    store.save(tmp_path)
    assert RuleStore.load(tmp_path).laws == ()


def test_a_law_added_by_hand_as_a_file_needs_no_record_and_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    RuleStore((GROWS,)).save(tmp_path)
    (tmp_path / "rules" / "mine.law.py").write_text(law(7).source, encoding="utf-8")
    store = RuleStore.load(tmp_path)
    assert (store.rules, store.laws, len(store)) == ((GROWS,), (law(7),), 2)
    assert store.record(law(7)) == Record(origin="person")
    assert store.find(law(7).id[:8]) == law(7)
    assert store.find(GROWS.id) == GROWS
    store.save(tmp_path)
    assert sorted(path.name for path in (tmp_path / "rules").iterdir()) == sorted(
        [f"{GROWS.id}.rule", f"{law(7).id}.law.py"]
    )


def test_a_store_of_nothing_but_laws_is_not_taken_for_an_empty_one() -> None:
    assert RuleStore(laws=(law(),))
    assert not RuleStore(retired_laws=(law(),))


def test_a_law_is_retired_with_the_reason_and_kept(tmp_path: Path) -> None:
    store = RuleStore((GROWS,), laws=(law(1), law(2))).retire({law(1).id: "contradicted", GROWS.id: "replaced"})
    assert (store.rules, store.laws) == ((), (law(2),))
    assert store.given_up == (GROWS, law(1))
    store.save(tmp_path)
    loaded = RuleStore.load(tmp_path)
    assert loaded.retired_laws == (law(1),)
    assert (loaded.record(law(1)).state, loaded.record(law(1)).reason) == ("retired", "contradicted")
    assert loaded.find(law(1).id) == law(1)


def test_saving_leaves_no_old_law_and_nothing_half_written_and_never_touches_what_is_not_the_stores(
    tmp_path: Path,
) -> None:
    RuleStore(laws=(law(1),)).save(tmp_path)
    for name in ("law-0.law.py.new", "notes.py", "law-1.law.py.damaged"):
        (tmp_path / "rules" / name).write_text("def")
    RuleStore(laws=(law(2),)).save(tmp_path)
    assert sorted(path.name for path in (tmp_path / "rules").iterdir()) == sorted(
        [f"{law(2).id}.law.py", "notes.py", "law-1.law.py.damaged"]
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("def precondition(state, action)", "line 1"),
        ("import os\n" + law().source, "line 1: found an import of 'os'"),
        ("def precondition(state, action):\n    return True\n", "no function 'effect'"),
    ],
)
def test_a_damaged_law_is_named_and_set_aside_and_the_rest_is_loaded(text: str, fault: str, tmp_path: Path) -> None:
    RuleStore((GROWS,), laws=(law(1), law(2))).save(tmp_path)
    path = tmp_path / "rules" / f"{law(1).id}.law.py"
    path.write_text(text)
    with pytest.raises(RuleError, match="cannot read the law in ") as caught:
        RuleStore.load(tmp_path)
    assert str(path) in str(caught.value)
    store, (problem,) = salvage(tmp_path)
    assert (store.rules, store.laws) == ((GROWS,), (law(2),))
    assert problem.path == path
    assert fault in problem.reason
    assert [each.name for each in set_aside(tmp_path, store, [problem])] == [f"{path.name}.damaged"]
    assert RuleStore.load(tmp_path).laws == (law(2),)


def test_of_two_files_that_say_one_law_the_one_named_after_it_counts(tmp_path: Path) -> None:
    RuleStore(laws=(law(),)).save(tmp_path)
    (tmp_path / "rules" / "a.law.py").write_text(law().source)
    store, (problem,) = salvage(tmp_path)
    assert store.laws == (law(),)
    assert problem.path.name == "a.law.py"
    assert "says the same law as" in problem.reason


# --- comparing, merging ------------------------------------------------------------------------------------------------------------------


def test_laws_are_added_gone_changed_or_kept_like_rules() -> None:
    before = holding({}, 5, 6, 7)
    after = replace(
        before.retire({law(0).id: "contradicted"}),
        laws=(law(1), law(2), law(3)),
    )
    after = replace(after, records={**after.records, law(1).id: Record(supports=9)})
    found = difference(before, after)
    assert found.added == (law(3),)
    assert found.gone == ((law(0), "contradicted"),)
    assert [(each.after, each.counts) for each in found.changed] == [(law(1), ((6, 0), (9, 0)))]
    assert found.kept == (law(2),)
    assert not difference(after, after)


@settings(max_examples=60)
@given(stores(), stores())
def test_merging_stores_with_laws_is_commutative_and_loses_no_evidence(one: RuleStore, other: RuleStore) -> None:
    merged, settled = merge(one, other)
    again, settled_again = merge(other, one)
    assert {entry.id: merged.record(entry) for entry in merged.entries} == {
        entry.id: again.record(entry) for entry in again.entries
    }
    assert {each.id for each in merged.laws} == {each.id for each in again.laws}
    assert len(settled) == len(settled_again)
    for entry in merged.entries:
        pair = [store.records[entry.id] for store in (one, other) if entry.id in store.records]
        assert merged.record(entry).supports == sum(each.supports for each in pair)
    assert {entry.id for entry in merged.entries} == {entry.id for store in (one, other) for entry in store.entries}


def test_a_law_that_one_store_retired_goes_by_the_greater_evidence() -> None:
    mine = holding({}, 20)
    theirs = replace(
        holding({}, 2).retire({law(0).id: "contradicted"}),
    )
    merged, (settlement,) = merge(mine, theirs)
    assert merged.laws == (law(0),)
    assert (settlement.rule, settlement.is_kept) == (law(0), True)
    assert merged.record(law(0)).supports == 22
