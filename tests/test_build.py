"""What is installed is found by name, a stranger's package like ours, and a name in doubt is never guessed."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agentwm import build
from agentwm.configuration import RunConfig
from agentwm.errors import ConfigurationError, MissingExtraError
from agentwm.types import EnvironmentSpec

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that installs a package of one module, as pip would leave it on disk."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(distribution: str, code: str, **entries: str) -> None:
        module = distribution.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(code)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = "\n".join(f"{name} = {module}:{attribute}" for name, attribute in entries.items())
        (info / "entry_points.txt").write_text(f"[agentwm.environments]\n{lines}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    return install


SPEC = """
from agentwm.types import EnvironmentSpec
SPEC = EnvironmentSpec("moon", "a place", ("near", "far"), ("fast",), make=lambda options: None)
"""


def test_names_are_listed_without_importing_anything(install: Install) -> None:
    install("agentwm-moon", "raise RuntimeError('imported')", moon="SPEC")
    assert "moon" in build.names("environments")
    assert "agentwm_moon" not in sys.modules


def test_a_strangers_environment_stands_beside_ours(install: Install) -> None:
    install("agentwm-moon", SPEC, moon="SPEC")
    assert {"alfworld", "moon"} <= set(build.names("environments"))
    assert build.environment("moon").splits == ("near", "far")


def test_a_name_given_twice_names_both_packages(install: Install) -> None:
    install("agentwm-moon", SPEC, moon="SPEC")
    install("other-moon", SPEC, moon="SPEC")
    with pytest.raises(ConfigurationError, match=r"two packages .* agentwm-moon .* and other-moon"):
        build.environment("moon")
    assert build.environment("alfworld").name == "alfworld"


def test_an_unknown_name_says_what_there_is_and_what_was_meant() -> None:
    with pytest.raises(
        ConfigurationError, match=r"unknown environment 'alfword'; there is: .*alfworld.* Did you mean alfworld\?"
    ):
        build.environment("alfword")
    with pytest.raises(ConfigurationError, match=r"unknown backend 'gpt'; there is: .*openai.*"):
        build.load("backends", "gpt")


def test_a_missing_package_of_ours_names_the_extra(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "miniwob", None)  # as if it were not installed
    install("agentwm-moon", "import miniwob", moon="SPEC")
    with pytest.raises(MissingExtraError, match=r"needs the package 'miniwob'.*pip install 'agentwm\[web\]'"):
        build.environment("moon")


def test_a_missing_package_of_a_stranger_is_named_itself(install: Install) -> None:
    install("agentwm-moon", "import no_such_package.inside", moon="SPEC")
    with pytest.raises(MissingExtraError, match=r"pip install 'no_such_package'"):
        build.environment("moon")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise RuntimeError('cheese')", r"'moon' is broken: agentwm_moon:SPEC raised RuntimeError \('cheese'\)"),
        ("SPECK = None", r"'moon' is broken: agentwm_moon:SPEC raised AttributeError \(.*no attribute 'SPEC'"),
        ("import", r"'moon' is broken: agentwm_moon:SPEC raised SyntaxError"),
        ("import sys; sys.exit(4)", r"'moon' is broken: agentwm_moon:SPEC raised SystemExit"),
    ],
)
def test_a_package_that_is_broken_is_said_to_be(install: Install, source: str, said: str) -> None:
    install("agentwm-moon", source, moon="SPEC")
    with pytest.raises(ConfigurationError, match=said):
        build.environment("moon")


def test_an_environment_must_be_a_spec(install: Install) -> None:
    install("agentwm-moon", "SPEC = 'cheese'", moon="SPEC")
    with pytest.raises(ConfigurationError, match=r"to be an EnvironmentSpec, got 'cheese'"):
        build.environment("moon")


@pytest.mark.parametrize("name", build.names("environments"))
def test_every_environment_installed_declares_itself(name: str) -> None:
    spec = build.environment(name)
    assert isinstance(spec, EnvironmentSpec)
    assert spec.name == name
    assert spec.splits
    assert spec.engines


@pytest.mark.parametrize("name", build.names("planners"))
def test_every_planner_installed_can_be_imported(name: str) -> None:
    assert build.load("planners", name)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"environment": "alfword"}, "unknown environment 'alfword'"),
        ({"planner": "mcp"}, "unknown planner 'mcp'.* Did you mean mpc"),
        ({"split": "valid_sen"}, "unknown split of alfworld 'valid_sen'.* Did you mean valid_seen"),
        ({"train_split": "trian"}, "unknown split of alfworld 'trian'.* Did you mean train"),
        ({"engine": "offical"}, "unknown engine of alfworld 'offical'.* Did you mean official"),
    ],
)
def test_every_name_in_a_configuration_is_checked(option: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        build.checked(RunConfig.parse({"environment": "alfworld"} | option))


def test_a_configuration_is_closed() -> None:
    with pytest.raises(ConfigurationError, match="unknown option 'max_step'; there are environment, planner"):
        RunConfig.parse({"environment": "alfworld", "max_step": 3})
    with pytest.raises(ConfigurationError, match=r"option 'max_steps': .* got 0"):
        RunConfig.parse({"environment": "alfworld", "max_steps": 0})
