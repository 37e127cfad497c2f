"""Graphs say what rules and states say, leave in forms that others read, and are drawn so that nothing covers anything else."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentwm.agent import Episode
from agentwm.errors import MissingExtraError
from agentwm.graphs import Edge, Graph, KnowledgeGraph, Node, SceneGraph
from agentwm.graphs.layout import Link, Size, arrange
from agentwm.knowledge import Knowledge
from agentwm.rules.language import parse_rule
from agentwm.rules.store import Record, RuleStore
from agentwm.types import ActionSchema, EnvironmentOptions, Fluent, FluentSchema, State, Vocabulary
from agentwm_environments.small import locks

SVG = "{http://www.w3.org/2000/svg}"
PLANK = 'make ?i when kind(?i) is "plank" and wood() is more than 0 then 1.00 success: plank() grows by 2, wood() falls by 1'
STICK = 'make ?i when kind(?i) is "stick" and plank() is more than 0 then 1.00 success: stick() grows by 2, plank() falls by 1'
HEAT = 'heat ?o ?r when holding() is ?o and kind(?r) is "microwave" then 0.90 success: hot(?o) becomes true; or 0.10 success'


def store(*sentences: str, supports: int = 3, knowledge: Knowledge | None = None) -> RuleStore:
    rules = tuple(map(parse_rule, sentences))
    records = {rule.id: Record(supports=supports) for rule in rules}
    return RuleStore(rules, records, knowledge=knowledge or Knowledge())


def said(graph: Graph) -> set[tuple[str, str, str, str]]:
    return {(edge.source, edge.relation, edge.target, edge.detail) for edge in graph.edges}


# --- knowledge ------------------------------------------------------------------------------------------------------


def test_a_recipe_is_an_act_that_needs_consumes_and_makes() -> None:
    assert said(KnowledgeGraph.of(store(PLANK))) == {
        ("act:make plank", "needs", "fluent:wood()", "more than 0"),
        ("act:make plank", "consumes", "fluent:wood()", "1"),
        ("act:make plank", "makes", "fluent:plank()", "2"),
    }


def test_a_tool_is_needed_and_a_quality_is_made() -> None:
    assert said(KnowledgeGraph.of(store(HEAT))) == {
        ("act:heat", "needs", "fluent:holding()", "is ?o"),
        ("act:heat", "needs", "kind:microwave", "for ?r"),
        ("act:heat", "makes", "fluent:hot", ""),
    }


def test_an_edge_says_which_rule_it_comes_from_and_how_sure_that_is() -> None:
    edges = KnowledgeGraph.of(store(HEAT, supports=7)).edges
    rule = parse_rule(HEAT)
    assert {(e.evidence["rule"], e.evidence["supports"], e.evidence["probability"]) for e in edges} == {
        (rule.id, 7, 0.9)
    }
    assert {e.evidence["says"] for e in edges} == {"holding() is ?o", 'kind(?r) is "microwave"', "hot(?o) becomes true"}


def test_what_one_act_makes_enables_another() -> None:
    enabled = [edge for edge in KnowledgeGraph.of(store(PLANK, STICK)).edges if edge.relation == "enables"]
    assert [(edge.source, edge.target, edge.detail) for edge in enabled] == [
        ("act:make plank", "act:make stick", "by plank")
    ]


@pytest.mark.parametrize(
    ("change", "condition", "enables"),
    [
        ("food() grows by 1", "food() is more than 3", True),
        ("food() falls by 1", "food() is more than 3", False),
        ("food() falls by 1", "food() is less than 3", True),
        ("lit() becomes true", "lit() is true", True),
        ("lit() becomes true", "lit() is false", False),
        ("lit() becomes true", "lit() is known", True),
        ("at() becomes home()", 'kind(at()) is "inn"', True),
        ("at() becomes home()", "at() is not nothing", True),
        ("at() becomes home()", "lit() is true", False),
    ],
)
def test_an_act_enables_what_it_can_make_true(change: str, condition: str, *, enables: bool) -> None:
    graph = KnowledgeGraph.of(store(f"act then 1.00 success: {change}", f"rest when {condition} then 1.00 success"))
    assert (
        ("act:act", "act:rest") in {(e.source, e.target) for e in graph.edges if e.relation == "enables"}
    ) is enables


def test_conditions_of_every_form_are_told() -> None:
    graph = KnowledgeGraph.of(
        store(
            'go ?d when open(?d) is true and kind(at()) is one of {"hall", "inn"} and some key ?k with (carried(?k) is true) '
            'leading to kind(at()) is not "pit" then 1.00 success: at() becomes beyond(?d), lit() becomes false, reward 1, the end'
        )
    )
    full = 'kind(at()) is one of {"hall", "inn"}'
    assert said(graph) == {
        ("act:go", "needs", "fluent:open", "is true"),
        ("act:go", "needs", "kind:hall", "one of 2, for at()"),
        ("act:go", "needs", "kind:inn", "one of 2, for at()"),
        ("act:go", "needs", "fluent:at()", full),
        ("act:go", "needs", "fluent:carried", "some key ?k with (carried(?k) is true)"),
        ("act:go", "excludes", "kind:pit", "for at(), afterwards"),
        ("act:go", "needs", "fluent:at()", 'kind(at()) is not "pit", afterwards'),
        ("act:go", "sets", "fluent:at()", "to beyond(?d)"),
        ("act:go", "ends", "fluent:lit()", ""),
        ("act:go", "pays", "event:the reward", "1"),
        ("act:go", "brings", "event:the end", ""),
    }


def test_what_makes_an_act_fail_blocks_it() -> None:
    graph = KnowledgeGraph.of(store('heat ?o ?r when kind(?r) is not "microwave" then 1.00 failure'))
    assert said(graph) == {("act:heat", "blocked by", "kind:microwave", "others for ?r")}


def test_rules_in_one_context_are_one_act_and_others_are_numbered() -> None:
    graph = KnowledgeGraph.of(
        store(
            "fish when wet() is true then 0.50 success: fish() grows by 1; or 0.50 success",
            "fish when wet() is true then 1.00 success: time() grows by 1",
            "fish when wet() is false then 1.00 success: dust() grows by 1",
        )
    )
    acts = {node.id: node.label for node in graph.nodes if node.sort == "act"}
    assert acts == {"act:fish": "fish", "act:fish (2)": "fish"}
    wet = {e.source for e in graph.edges if e.detail == "is true"}
    assert {e.target for e in graph.edges if e.source in wet} == {"fluent:wet()", "fluent:fish()", "fluent:time()"}


def test_what_befalls_each_thing_of_a_sort_is_an_act_of_its_own_and_the_verbs_too() -> None:
    rules = store(
        "unlock ?d then 1.00 success: open(?d) becomes true",
        "unlock ?d, each key ?k then 1.00 success: used(?k) becomes true",
        "any action, each plant ?p then 1.00 success: height(?p) grows by 1",
        "any action, each key ?k then 1.00 success: rust(?k) grows by 1",
    )
    about_unlocking = {
        ("act:unlock", "makes", "fluent:open", ""),
        ("act:unlock, each key", "makes", "fluent:used", ""),
    }
    assert said(KnowledgeGraph.of(rules, verb="unlock")) == about_unlocking
    assert said(KnowledgeGraph.of(rules)) == about_unlocking | {
        ("act:any action, each plant", "makes", "fluent:height", "1"),
        ("act:any action, each key", "makes", "fluent:rust", "1"),
    }


def test_where_things_are_found_is_told_with_its_chance() -> None:
    knowledge = Knowledge(looks={"inn": 4}, exposure={"inn": 4.0}, found={"pot": {"inn": 3}, "microwave": {"inn": 1}})
    graph = KnowledgeGraph.of(store(HEAT, knowledge=knowledge))
    assert ("kind:pot", "found in", "kind:inn", "3 times") in said(graph)
    (edge,) = [edge for edge in graph.edges if edge.source == "kind:pot"]
    assert edge.evidence["supports"] == 3
    assert edge.evidence["probability"] == pytest.approx(knowledge.chance("pot", "inn"), abs=1e-6)


def test_a_verb_narrows_the_graph_to_its_rules_and_what_they_name() -> None:
    knowledge = Knowledge(found={"pot": {"inn": 3}, "microwave": {"inn": 1}}, exposure={"inn": 4.0})
    graph = KnowledgeGraph.of(store(HEAT, PLANK, knowledge=knowledge), verb="heat")
    assert {node.id for node in graph.nodes} == {
        "act:heat",
        "fluent:holding()",
        "fluent:hot",
        "kind:inn",
        "kind:microwave",
    }
    assert KnowledgeGraph.of(store(HEAT), verb="sing").nodes == ()


def test_retired_rules_have_no_part() -> None:
    active, retired = parse_rule(PLANK), parse_rule(STICK)
    assert KnowledgeGraph.of(RuleStore((active,), {}, (retired,))).nodes == KnowledgeGraph.of(store(PLANK)).nodes


# --- scenes ---------------------------------------------------------------------------------------------------------


WORDS = Vocabulary(
    {
        schema.name: schema
        for schema in (
            FluentSchema("sort", ("any",), "sort", static=True),
            FluentSchema("kind", ("any",), "kind", static=True),
            FluentSchema("at", (), "place"),
            FluentSchema("coins", (), "number"),
            FluentSchema("in", ("thing",), "place"),
            FluentSchema("lit", ("place",), "bool"),
            FluentSchema("seen", ("place",), "bool", default=False, has_default=True),
            FluentSchema("beside", ("place", "place"), "bool"),
            FluentSchema("miles", ("place", "place"), "number"),
        )
    },
    {"look": ActionSchema("look", (), "look")},
    location="in",
    explored="seen",
)
SCENE: State = {
    Fluent("sort", ("inn",)): "place",
    Fluent("sort", ("well",)): "place",
    Fluent("sort", ("pot 1",)): "thing",
    Fluent("kind", ("pot 1",)): "vessel",
    Fluent("at"): "inn",
    Fluent("coins"): 4,
    Fluent("in", ("pot 1",)): "inn",
    Fluent("in", ("rope",)): None,
    Fluent("lit", ("inn",)): True,
    Fluent("lit", ("well",)): False,
    Fluent("seen", ("inn",)): True,
    Fluent("beside", ("inn", "well")): True,
    Fluent("miles", ("inn", "well")): 2,
    Fluent("rumour", ("inn",)): True,
}


def test_a_scene_says_what_is_where_and_what_is_unexplored() -> None:
    scene = SceneGraph.of(SCENE, WORDS)
    assert said(scene) == {
        ("agent", "at", "thing:inn", ""),
        ("thing:pot 1", "in", "thing:inn", ""),
        ("thing:inn", "beside", "thing:well", ""),
        ("thing:inn", "miles", "thing:well", "2"),
    }
    assert {(node.id, node.sort, node.notes, node.is_open) for node in scene.nodes} == {
        ("agent", "agent", ("coins 4",), False),
        ("thing:inn", "place", ("lit", "seen"), False),
        ("thing:pot 1", "thing", ("kind vessel",), False),
        ("thing:rope", "thing", (), False),
        ("thing:well", "place", ("unexplored",), True),
    }


def test_a_scene_about_a_thing_holds_what_it_has_to_do_with() -> None:
    scene = SceneGraph.of(SCENE, WORDS, about=["well", "dragon"])
    assert [node.id for node in scene.nodes] == ["thing:inn", "thing:well"]
    assert {edge.relation for edge in scene.edges} == {"beside", "miles"}


def test_a_scene_of_a_real_world_names_everything_in_it() -> None:
    world = locks.make(EnvironmentOptions(count=1))
    episode = Episode(world, world.tasks()[0])
    things = {fluent.args[0] for fluent in episode.state if fluent.name == "sort"}
    assert {node.id for node in SceneGraph.of(episode.state, episode.vocabulary).nodes} == {
        "agent",
        *(f"thing:{name}" for name in things),
    }


# --- forms ----------------------------------------------------------------------------------------------------------


ODD = Graph(
    (Node("a", 'x < "y" & z\x00', "odd", ("<&>",)), Node("b", "b\ud800", "odd"), Node("c", "", "odd")),
    (Edge("a", "b", "holds", "<1> & 2"), Edge("b", "b", "likes"), Edge("a", "b", "holds", "3")),
)


def test_json_is_the_same_whatever_the_order_of_the_rules() -> None:
    one, other = KnowledgeGraph.of(store(PLANK, STICK, HEAT)), KnowledgeGraph.of(store(HEAT, STICK, PLANK))
    assert one.to_json() == other.to_json()
    assert one.to_svg() == other.to_svg()
    assert json.loads(one.to_json())["version"] == 1


def test_networkx_reads_the_json_and_holds_what_graph_holds() -> None:
    networkx = pytest.importorskip("networkx", reason="needs the [graphs] extra")
    for graph in (KnowledgeGraph.of(store(PLANK, STICK, HEAT)), ODD):
        form = json.loads(graph.to_json())
        read = networkx.node_link_graph({**form, "links": form["edges"]})
        assert dict(read.nodes(data=True)) == dict(graph.graph.nodes(data=True))
        assert sorted(map(str, read.edges(data=True, keys=True))) == sorted(
            map(str, graph.graph.edges(data=True, keys=True))
        )


def test_the_networkx_graph_cannot_be_changed_behind_our_back() -> None:
    networkx = pytest.importorskip("networkx", reason="needs the [graphs] extra")
    graph = KnowledgeGraph.of(store(PLANK))
    with pytest.raises(networkx.NetworkXError):
        graph.graph.add_node("more")
    assert graph.graph is graph.graph


def test_graphml_is_read_back_by_networkx() -> None:
    networkx = pytest.importorskip("networkx", reason="needs the [graphs] extra")
    graph = KnowledgeGraph.of(store(PLANK, STICK, HEAT))
    read = networkx.parse_graphml(graph.to_graphml(), force_multigraph=True)
    assert dict(read.nodes(data=True)) == dict(graph.graph.nodes(data=True))
    assert sorted(map(str, read.edges(data=True))) == sorted(map(str, graph.graph.edges(data=True)))
    odd = networkx.parse_graphml(ODD.to_graphml(), force_multigraph=True)
    assert odd.nodes["a"]["label"] == 'x < "y" & z\ufffd'
    assert odd.number_of_edges() == 3


def test_without_networkx_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = KnowledgeGraph.of(store(PLANK))
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'agentwm\[graphs\]'"):
        graph.to_graphml()
    with pytest.raises(MissingExtraError, match=r"pip install 'agentwm\[graphs\]'"):
        _ = graph.graph
    assert graph.to_json()
    assert graph.to_svg()


def test_graphs_and_their_pictures_load_no_networkx() -> None:
    def loads(more: str) -> bool:
        code = f"import sys\nfrom agentwm.graphs import *\ng = KnowledgeGraph()\ng.to_svg(), g.to_json()\n{more}"
        script = f"{code}\nprint('networkx' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        return done.stdout.strip() == "True"

    assert not loads("")
    pytest.importorskip("networkx", reason="needs the [graphs] extra")
    assert loads("g.graph")


# --- pictures -------------------------------------------------------------------------------------------------------


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 -- of our own making


def rectangles(svg: str, kind: str) -> list[tuple[float, float, float, float]]:
    """Return the rectangles of the groups of one class: left, top, right, bottom."""
    found = []
    for group in parsed(svg).iter(f"{SVG}g"):
        if group.get("class") == kind and (rect := group.find(f"{SVG}rect")) is not None:
            x, y, width, height = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
            found.append((x, y, x + width, y + height))
    return found


def overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def crowd() -> Graph:
    """Return a graph of sixty nodes, with cycles, parallel edges, long labels and loners."""
    nodes = [Node(f"n{i}", f"node number {i} {'of many words ' * (i % 7)}{'x' * (i % 50)}", "kind") for i in range(60)]
    ends = [(i, (i * i + 7 * i + j) % 50) for i in range(50) for j in (1, 3)]
    edges = [Edge(f"n{i}", f"n{k}", "needs", f"more than {i} {'and so on ' * (i % 4)}") for i, k in ends]
    return Graph(tuple(nodes), tuple(edges))


def pictures() -> list[tuple[str, Graph]]:
    world = locks.make(EnvironmentOptions(count=1))
    episode = Episode(world, world.tasks()[0])
    return [
        ("rules", KnowledgeGraph.of(store(PLANK, STICK, HEAT))),
        ("scene", SceneGraph.of(episode.state, episode.vocabulary)),
        ("crowd", crowd()),
        (
            "odd",
            Graph(tuple(Node(n.id, n.label.replace("\ud800", "?"), n.sort, n.notes) for n in ODD.nodes), ODD.edges),
        ),
        ("empty", Graph()),
    ]


@pytest.mark.parametrize("graph", [pytest.param(graph, id=name) for name, graph in pictures()])
def test_every_label_is_in_the_picture_and_no_boxes_overlap(graph: Graph) -> None:
    svg = graph.to_svg()
    nodes = [group for group in parsed(svg).iter(f"{SVG}g") if group.get("class") == "node"]
    titles = sorted(str(group.findtext(f"{SVG}title")).split("\n")[0] for group in nodes)
    assert titles == sorted(node.label.replace("\x00", "\ufffd") for node in graph.nodes)
    boxes = rectangles(svg, "node") + rectangles(svg, "label")
    assert not any(overlap(one, other) for one, other in combinations(boxes, 2))
    root = parsed(svg)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert all(min(left, top) >= 0 and right <= width and bottom <= height for left, top, right, bottom in boxes)


def test_boxes_that_overlap_would_be_seen() -> None:
    assert overlap((0, 0, 10, 10), (9, 9, 12, 12))
    assert not overlap((0, 0, 10, 10), (10, 0, 12, 12))


def test_a_label_is_wrapped_with_no_letter_lost() -> None:
    label = "a long label of many words and one " + "verylongword" * 4
    (group,) = [
        g for g in parsed(Graph((Node("a", label, "kind"),)).to_svg()).iter(f"{SVG}g") if g.get("class") == "node"
    ]
    texts = [str(text.text) for text in group.findall(f"{SVG}text")]
    assert len(texts) > 2
    assert "".join(texts).replace(" ", "") == label.replace(" ", "")


def test_a_picture_says_what_is_a_matter_of_chance() -> None:
    svg = KnowledgeGraph.of(store(HEAT, PLANK)).to_svg()
    titles = {title.text for title in parsed(svg).iter(f"{SVG}title")}
    assert {"makes (90%)", "makes 2", "needs for ?r"} <= titles


def test_a_relation_to_itself_is_a_note() -> None:
    svg = Graph((Node("a", "echo", "kind"),), (Edge("a", "a", "hears"),)).to_svg()
    assert "hears itself" in svg


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_an_arrangement_keeps_everything_apart(data: st.DataObject) -> None:
    names = [f"n{number}" for number in range(data.draw(st.integers(1, 12)))]
    extent = st.integers(1, 80)
    sizes = {name: Size(data.draw(extent), data.draw(extent)) for name in names}
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(names)).filter(lambda pair: pair[0] != pair[1])
    links = [
        Link(source, target, Size(data.draw(extent), data.draw(extent)), data.draw(st.booleans()))
        for source, target in (data.draw(st.lists(pairs, max_size=20)) if len(names) > 1 else [])
    ]
    placed = arrange(sizes, links)
    boxes = [(point, sizes[name]) for name, point in placed.centres.items()]
    for link, route in zip(links, placed.routes, strict=True):
        assert route.label is not None
        assert link.label is not None
        boxes.append((route.label, link.label))
        assert abs(route.stretches[0][0].x - placed.centres[link.source].x) == pytest.approx(
            sizes[link.source].width / 2
        )
        assert abs(route.stretches[-1][1].x - placed.centres[link.target].x) == pytest.approx(
            sizes[link.target].width / 2
        )
    edges = [
        (at.x - size.width / 2 + 1e-6, at.y - size.height / 2 + 1e-6, at.x + size.width / 2, at.y + size.height / 2)
        for at, size in boxes
    ]
    assert len(placed.centres) == len(names)
    assert not any(overlap(one, other) for one, other in combinations(edges, 2))
    assert all(
        right <= placed.size.width + 1e-6 and bottom <= placed.size.height + 1e-6 for _, _, right, bottom in edges
    )
