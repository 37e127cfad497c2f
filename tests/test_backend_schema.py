"""Forms of answer are bounded everywhere, and replies are read by them, whatever a server promised."""

import json
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from agentwm.backends.schema import (
    bounded_schema,
    has_whitespace_loop,
    longest,
    read_value,
    without_lengths,
    without_thoughts,
)
from agentwm.errors import InvalidReplyError, SchemaError

Word = Annotated[str, Field(max_length=20)]
Share = Annotated[float, Field(ge=0, le=1)]


class Kind(StrEnum):
    CUP = "cup"
    LAMP = "lamp"


class Fact(BaseModel):
    fact: Literal["in", "open"]
    args: Annotated[list[Word], Field(max_length=3)]
    value: Kind | bool | None


class Perceived(BaseModel):
    """What a text tells."""

    facts: Annotated[list[Fact], Field(max_length=8)]
    success: bool
    count: Annotated[int, Field(ge=-1, le=12)]
    p: Share
    only: Literal["x"]


FACTS = st.builds(
    Fact,
    fact=st.sampled_from(["in", "open"]),
    args=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=3),
    value=st.sampled_from([*Kind, True, None]),
)
PERCEIVED = st.builds(
    Perceived,
    facts=st.lists(FACTS, max_size=8),
    success=st.booleans(),
    count=st.integers(-1, 12),
    p=st.floats(0, 1),
    only=st.just("x"),
)


def test_every_object_is_closed_and_every_field_required_without_references() -> None:
    schema = bounded_schema(Perceived)
    assert "$ref" not in json.dumps(schema)
    fact = schema["properties"]["facts"]["items"]
    assert fact["additionalProperties"] is False
    assert fact["required"] == ["fact", "args", "value"]
    assert schema["properties"]["only"]["enum"] == ["x"]
    assert {"enum": ["cup", "lamp"], "type": "string"} in fact["properties"]["value"]["anyOf"]


class Tree(BaseModel):
    name: Word
    parts: Annotated[list["Tree"], Field(max_length=2)]


@pytest.mark.parametrize(
    ("field", "complaint"),
    [
        (str, r"Form\.x is a string without maxLength"),
        (list[Word], r"Form\.x is a array without maxItems"),
        (Annotated[list[str], Field(max_length=2)], r"Form\.x\[\] is a string"),
        (int, r"without minimum and maximum"),
        (Annotated[float, Field(ge=0)], r"without maximum"),
        (dict[str, int], r"open mapping"),
        (Any, r"may be anything"),
        (tuple[bool, Word], r"tuple"),
        (Word | str, r"without maxLength"),
        (Tree, r"holds itself"),
    ],
)
def test_what_has_no_bound_is_refused_by_name(field: Any, complaint: str) -> None:
    form: type[BaseModel] = type("Form", (BaseModel,), {"__annotations__": {"x": field}})
    with pytest.raises(SchemaError, match=complaint):
        bounded_schema(form)


def test_servers_that_will_not_hear_of_lengths_are_told_all_the_rest() -> None:
    schema = bounded_schema(Perceived)
    text = json.dumps(without_lengths(schema))
    assert "maxLength" not in text
    assert "maxItems" in text
    assert "maxLength" in json.dumps(schema)


@given(PERCEIVED)
def test_no_instance_is_longer_than_the_longest(value: Perceived) -> None:
    text = json.dumps(value.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
    escapes = text.count("\\") * 6
    assert len(text) - escapes <= longest(bounded_schema(Perceived))


@given(PERCEIVED, st.sampled_from(["{}", "```json\n{}\n```", "Sure! Here it is:\n{}\nThat is all.", "\n {} \n\n"]))
def test_one_object_is_read_however_it_is_wrapped(value: Perceived, wrapping: str) -> None:
    assert read_value(wrapping.replace("{}", value.model_dump_json()), Perceived) == value


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("I think so.", "expected one JSON object, got 'I think so.'"),
        ("", "expected one JSON object"),
        ('{"fact": "in", "args": [', "expected one JSON object"),
        ('{"fact": "in", "args": [], "value": null} {"fact": "open"}', "nothing after it"),
        ('{"fact": "near", "args": [], "value": null}', "fact: Input should be 'in' or 'open', got 'near'"),
        ('{"fact": "in", "args": ["a", "b", "c", "d"], "value": null}', "args: List should have at most 3 items"),
        ('{"fact": "in", "args": []}', "value: Field required"),
        ("[" * 100_000, "expected one JSON object"),
        ('{"a":' * 100_000, "expected one JSON object"),
    ],
)
def test_what_does_not_fit_is_named_so_that_a_model_can_mend_it(text: str, complaint: str) -> None:
    with pytest.raises(InvalidReplyError) as error:
        read_value(text, Fact)
    assert complaint in str(error.value)


def test_a_probability_that_is_not_a_number_is_refused() -> None:
    class Judged(BaseModel):
        p: Share

    with pytest.raises(InvalidReplyError):
        read_value('{"p": NaN}', Judged)
    assert read_value('{"p": 0.25}', Judged).p == 0.25


def test_a_line_break_left_raw_in_a_string_is_read_as_one() -> None:
    assert read_value('{"fact": "in", "args": ["a\nb"], "value": null}', Fact).args == ["a\nb"]


def test_thoughts_before_an_answer_are_not_part_of_it() -> None:
    assert without_thoughts("<think>\nIs it {open}?\n</think>\n\nyes") == "yes"
    assert without_thoughts("I <think> so </think>") == "I <think> so </think>"


def test_a_whitespace_loop_is_told_from_indented_json() -> None:
    deep = json.dumps([[[[Fact(fact="in", args=["a"], value=None).model_dump()]]]], indent=8)
    assert not has_whitespace_loop(deep)
    assert has_whitespace_loop('{"fact":' + " \n" * 50)
