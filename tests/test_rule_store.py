"""The rule store on disk: what is saved is loaded, and a damaged file is named."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentwm import RuleStore, parse_rule
from agentwm.errors import RuleError
from agentwm.knowledge import Knowledge
from agentwm.rules.store import Record, Silence, signature

HEAT = parse_rule('heat ?o ?r when holding() is ?o and kind(?r) is "microwave" then 0.97 success: hot(?o) becomes true')
COLD = parse_rule('heat ?o ?r when kind(?r) is "fridge" then 1.00 failure')
AFAR = parse_rule("heat ?o ?r then 0.50 success: hot(?o) becomes true")

STORE = RuleStore(
    rules=(HEAT, COLD),
    records={
        HEAT.id: Record(supports=11, contradicts=1, last_spoken=40, parents=(AFAR.id,), examples=("3-17",)),
        COLD.id: Record(supports=2, origin="a-model"),
        AFAR.id: Record(supports=3, contradicts=9, state="retired", reason="contradicted by 9 transitions"),
    },
    retired=(AFAR,),
    silence=Silence(counts={"heat": {"TF": (0, 3), "??": (1, 1)}}),
    knowledge=Knowledge(looks={"fridge": 2}, found={"egg": {"fridge": 3}}, shut={"fridge": (2, 2)}),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    STORE.save(tmp_path)
    return tmp_path


def test_what_is_saved_is_loaded(folder: Path) -> None:
    assert RuleStore.load(folder) == STORE


def test_an_empty_store_is_saved_and_loaded(tmp_path: Path) -> None:
    RuleStore().save(tmp_path)
    assert RuleStore.load(tmp_path) == RuleStore()


def test_rules_keep_their_order(tmp_path: Path) -> None:
    for rules in ((HEAT, COLD, AFAR), (AFAR, COLD, HEAT)):
        RuleStore(rules, {rule.id: Record() for rule in rules}).save(tmp_path)
        assert RuleStore.load(tmp_path).rules == rules


def test_saving_twice_writes_the_same_bytes_and_leaves_no_old_rules(folder: Path) -> None:
    def files() -> dict[str, bytes]:
        return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    before = files()
    RuleStore.load(folder).save(folder)
    assert files() == before
    RuleStore((COLD,)).save(folder)
    assert [path.name for path in (folder / "rules").iterdir()] == [f"{COLD.id}.rule"]


def test_what_a_crash_left_half_written_is_cleared_away_and_never_read(folder: Path) -> None:
    (folder / "rules" / "heat-0.rule.new").write_text("heat ?o ?r wh")
    assert RuleStore.load(folder) == STORE
    STORE.save(folder)
    assert not list(folder.rglob("*.new"))


def test_a_rule_is_one_file_of_plain_text_named_after_it(folder: Path) -> None:
    assert (folder / "rules" / f"{HEAT.id}.rule").read_text(encoding="utf-8") == HEAT.text()


def test_a_rule_written_by_hand_needs_no_record(folder: Path) -> None:
    (folder / "rules" / "mine.rule").write_text("look\n  then 1.00 success\n")
    store = RuleStore.load(folder)
    assert store.rules[:2] == STORE.rules
    assert store.rules[2].sentence() == "look then 1.00 success"
    assert store.record(store.rules[2]) == Record(origin="person")
    store.save(folder)
    assert RuleStore.load(folder).rules == store.rules


def test_a_folder_of_nothing_but_rules_is_a_store(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.rule").write_text(HEAT.sentence())
    assert RuleStore.load(tmp_path).rules == (HEAT,)


def test_a_retired_rule_is_kept_with_its_reason_and_is_not_among_the_active(folder: Path) -> None:
    store = RuleStore.load(folder)
    assert AFAR not in store.rules
    assert AFAR not in store.of_verb("heat")
    assert store.retired == (AFAR,)
    assert store.record(AFAR).reason == "contradicted by 9 transitions"
    assert len(store) == 2


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        (f"rules/{HEAT.id}.rule", "heat ?o ?r when holding() ist ?o then 1.00 success", "'ist"),
        ("records.json", "{", "JSON"),
        ("records.json", json.dumps({"version": 2, "records": {}}), "1"),
        ("records.json", json.dumps({"version": 1, "records": {HEAT.id: {"support": 3}}}), "Extra"),
        ("silence.json", json.dumps({"counts": {"heat": {"T": [1]}}}), "required"),
        ("knowledge.json", json.dumps({"looks": {"fridge": "two"}}), "integer"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(folder: Path, name: str, text: str, fault: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(RuleError) as caught:
        RuleStore.load(folder)
    assert str(folder / name) in str(caught.value)
    assert fault in str(caught.value)


def test_a_file_that_is_no_text_is_named(folder: Path) -> None:
    (folder / "silence.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RuleError, match=r"cannot read .*silence\.json"):
        RuleStore.load(folder)


def test_a_folder_that_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="expected a rule store"):
        RuleStore.load(tmp_path / "nowhere")


def test_a_rule_is_found_by_the_beginning_of_its_id() -> None:
    assert STORE.find(AFAR.id) == AFAR
    assert STORE.find(COLD.id[:9]) == COLD
    for name in ("heat", "cool"):
        with pytest.raises(RuleError, match=f"expected the id of one rule, got '{name}'.*{HEAT.id}"):
            STORE.find(name)


@given(st.integers(0, 50), st.integers(0, 50))
def test_trust_is_the_share_of_support_drawn_towards_a_half(supports: int, contradicts: int) -> None:
    trust = Record(supports=supports, contradicts=contradicts).trust
    share = supports / (supports + contradicts) if supports + contradicts else 0.5
    assert min(share, 0.5) <= trust <= max(share, 0.5)
    assert 0 < trust < 1
    assert Record(supports=supports + 1, contradicts=contradicts).trust > trust


def test_a_rule_is_trusted_less_for_a_kind_that_it_was_never_seen_to_hold_for() -> None:
    on_eggs = Record(supports=8, kinds={"o": {"egg": 8}, "r": {"microwave": 8}})
    on_many = Record(supports=8, kinds={"o": {"egg": 2, "mug": 2, "apple": 2, "potato": 2}, "r": {"microwave": 8}})
    known = {"o": "egg", "r": "microwave"}
    new = {"o": "bread", "r": "microwave"}
    assert on_eggs.trust_for(known) == on_many.trust_for(known) == on_eggs.trust
    assert on_eggs.trust_for(new) < on_many.trust_for(new) < on_many.trust
    assert on_eggs.trust_for({"o": "bread", "r": "fridge"}) < on_eggs.trust_for(new)
    assert Record(supports=8, kinds={"o": {}}).trust_for(new) == Record(supports=8).trust_for(new) > 0


def test_silence_tells_how_often_a_verb_succeeds_in_such_circumstances() -> None:
    silence = Silence(counts={"heat": {"TT": (30, 0), "TF": (0, 30)}})
    assert silence.success_rate("heat", "TT") > 0.95
    assert silence.success_rate("heat", "TF") < 0.05


def test_circumstances_not_met_before_are_judged_by_those_that_rule_out_as_much() -> None:
    silence = Silence(counts={"heat": {"TT": (30, 0), "TF": (0, 30)}})
    assert silence.success_rate("heat", "T?") > 0.9
    assert silence.success_rate("heat", "FF") < 0.1
    assert silence.success_rate("cool", "") == 0.5
    assert silence.success_rate("cool", "F") < 0.2


def test_a_signature_is_the_truth_of_the_conditions_in_order() -> None:
    assert signature([[True, None], [False]]) == "T?/F"


def test_rules_stated_for_certain_are_trusted_and_others_half() -> None:
    store = RuleStore.certain(["open ?d then 1.00 success: open(?d) becomes true"])
    [rule] = store.rules
    assert store.record(rule).trust > 0.9999
    assert RuleStore((rule,)).record(rule).trust == 0.5
    with pytest.raises(RuleError):
        RuleStore.certain(["open sesame please"])
