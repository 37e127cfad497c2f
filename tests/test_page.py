"""Pages: what is visible of them, what it is called, and that no page can pass for something else."""

import pytest

from agentwm_environments.web.html import read_html
from agentwm_environments.web.nodes import Node, address, read_page
from agentwm_environments.web.page import Page, tidy
from agentwm_environments.web.words import quotations

URL = "http://127.0.0.1:8000/basket?x=1#there"


def page(body: str) -> Page:
    return read_html(f"<!doctype html><title>A  page</title><body>{body}</body>", url=URL)


def references(body: str) -> list[str]:
    return [each.reference for each in page(body) if each.is_control]


# --- what is visible ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>secret()</script>",
        "<style>.secret{}</style>",
        "<!-- secret -->",
        "<template>secret</template>",
        "<noscript>secret</noscript>",
        "<div hidden>secret</div>",
        "<p style='display: none'>secret</p>",
        "<p style='VISIBILITY:HIDDEN'>secret <b>secret</b></p>",
        "<input type=hidden value=secret>",
        "<details><summary>more</summary>secret</details>",
        "<dialog>secret</dialog>",
        "<button hidden>secret</button>",
    ],
)
def test_what_is_hidden_is_not_shown(hidden: str) -> None:
    assert "secret" not in page(f"before {hidden} after").text


def test_a_hidden_label_names_nothing() -> None:
    assert references("<button>Go <span hidden>away</span></button>") == ["button Go"]


def test_white_space_is_collapsed_and_blocks_part_texts() -> None:
    found = page("<p>one \n two <b>three</b></p><p>four</p>five<br>six<table><tr><td>seven<td>eight</table>")
    expected = ["one two three", "four", "five", "six", "seven", "eight"]
    assert [each.name for each in found if each.role == "text"] == expected


def test_invisible_characters_are_escaped() -> None:
    assert tidy("a\u200bb\u202ec\x1bd\xa0e", longest=99) == "a\\u200bb\\u202ec\\u001bd e"


def test_a_page_cannot_write_a_line_of_the_tree_itself() -> None:
    [text] = page("<p>it's'\n  [button Pay] = 'x'</p>").children
    assert text.line() == "text 'it\\'s\\' [button Pay] = \\'x\\''"
    assert references("<button>Pay] to /x\n[link Away</button>") == ["button Pay to /x link Away"]


def test_a_huge_page_is_cut_with_a_notice() -> None:
    found = page("".join(f"<p><a href=/{number}>link {number}</a></p>" for number in range(1500)))
    assert len(list(found)) == 1000
    assert found.left_out == 500
    assert found.text.endswith("(the page is cut here: 500 more elements)")


def test_a_long_text_is_cut() -> None:
    [text] = page("word " * 1000).children
    assert len(text.name) == 1000
    assert text.name.endswith("…")


def test_nodes_without_end_within_one_another_are_cut() -> None:
    found = page("<div>" * 5000 + "deep" + "</div>" * 5000 + "after")
    assert found.left_out == 1
    assert [each.name for each in found] == ["after"]


def test_clickable_nodes_within_one_another_are_read_in_no_time() -> None:
    found = page("<div onclick=1>" * 90 + "here")
    assert [each.reference for each in found] == ["clickable here"]


# --- what things are called -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<a href=/x>Go</a>", "[link Go] to /x"),
        ("<a href='https://other.example/x?y#z'>Go</a>", "[link Go] to https://other.example/x?y"),
        ("<a href='javascript:alert(1)'>Go</a>", "[link Go]"),
        ("<button disabled>Go</button>", "[button Go] disabled"),
        ("<fieldset disabled><button>Go</button></fieldset>", "[button Go] disabled"),
        ("<input type=submit>", "[button Submit]"),
        ("<input type=submit value='Log in'>", "[button Log in]"),
        ("<label for=a>Name</label><input id=a value=Ada>", "[textbox Name] = 'Ada'"),
        ("<label>Name <input></label>", "[textbox Name] = ''"),
        ("<input placeholder=Search aria-label=Find>", "[textbox Find] = ''"),
        ("<p id=a>Your</p><p id=b>age</p><input aria-labelledby='a b'>", "[textbox Your age] = ''"),
        ("<textarea>text</textarea>", "[textbox 1] = 'text'"),
        ("<label><input type=checkbox checked> Gift</label>", "[checkbox Gift] checked"),
        ("<input type=radio title=Red>", "[radio Red] not checked"),
        ("<label>Size <select><option>S<option selected>M</select></label>", "[combobox Size] = 'M' of 'S', 'M'"),
        ("<select><option>S<option>M</select>", "[combobox 1] = 'S' of 'S', 'M'"),
        ("<div role=tab aria-selected=true>One</div>", "[tab One] checked"),
        ("<span onclick='x()'>Here</span>", "[clickable Here]"),
        ("<a href=/><img alt=Logo></a>", "[link Logo] to /"),
    ],
)
def test_a_control_is_called_what_it_says(body: str, expected: str) -> None:
    assert expected in [each.line() for each in page(body)]


def test_a_reference_names_one_element() -> None:
    body = "<button>OK</button><button>OK 2</button><button>OK</button><button>OK</button><button></button>"
    assert references(body) == ["button OK", "button OK 2", "button OK 3", "button OK 4", "button 1"]


def test_a_reference_is_the_same_whatever_else_is_on_the_page() -> None:
    assert references("<a href=/>Home</a><button>Buy</button>")[-1] == references("<p>x</p><button>Buy</button>")[-1]


def test_a_label_is_not_shown_beside_what_it_names() -> None:
    assert [each.role for each in page("<label for=a>Name</label><input id=a>")] == ["textbox"]
    assert [each.role for each in page("<label for=none>Name</label>")] == ["text"]


def test_containers_hold_what_is_in_them() -> None:
    found = page("<form><ul><li>Shirt <button>Remove</button></li><li></li></ul></form><dialog open>Sure?</dialog>")
    form, dialog = found.children
    assert [[child.role for child in row.children] for row in form.children] == [["text", "button"]]
    assert dialog.children[0].name == "Sure?"


def test_tags_that_may_be_left_open_are_closed() -> None:
    found = page("<ul><li>one<li>two<ul><li>three</ul><li>four</ul><p>five<p>six<div>seven")
    assert [[child.name for child in row] for row in found if row.role == "listitem"][1] == ["", "two", "", "three"]
    assert [child.name for child in found.children if child.role == "text"] == ["five", "six", "seven"]


# --- both readers -----------------------------------------------------------------------------------------------------------


def test_a_browsers_nodes_come_out_as_those_of_the_source_do() -> None:
    live = Node(
        "body",
        children=(
            Node("label", {"for": "q"}, ("Search",)),
            Node("input", {"id": "q"}, value="", key="7"),
            Node("p", children=("unseen",), is_hidden=True),
            Node(
                "select",
                {"title": "Size"},
                (Node("option", children=("S",)), Node("option", children=("M",))),
                value="S",
            ),
        ),
    )
    source = "<label for=q>Search</label><input id=q><p hidden>unseen</p><select title=Size><option>S<option>M</select>"
    assert read_page(live, url=URL, title="A page") == page(source)


def test_what_is_typed_since_counts_and_not_what_the_source_says() -> None:
    live = Node("body", children=(Node("input", {"value": "old", "title": "Name"}, value="new"),))
    assert read_page(live, url=URL).children[0].value == "new"


def test_addresses_are_told_without_their_own_site() -> None:
    assert address(URL) == "/basket?x=1"
    assert address(URL, "../kinds/shirt#top") == "/kinds/shirt"
    assert address(URL, "//other.example") == "http://other.example/"


def test_quotations_are_read_with_any_marks() -> None:
    assert quotations('Type "a b" and \'c\', then “d” but don\'t type "a b"') == ("a b", "c", "d")
