"""What an environment with a face looks like is kept with each step, once for equal pictures; one without costs nothing."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agentwm import RunConfig, RunStore, build, run
from agentwm.isolation import IsolatedEnvironment
from agentwm.types import Action, EnvironmentOptions, Pictured
from tests.painted_world import COLOURS, SPEC, PaintedWorld, png

Install = Callable[[type[PaintedWorld]], None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Have a world of pictures be found by its name."""

    def installed(world: type[PaintedWorld]) -> None:
        monkeypatch.setattr(build, "environment", lambda _: replace(SPEC, make=world))

    return installed


def played(out: Path, **options: object) -> None:
    run(RunConfig.parse({"environment": "painted", "learn": 1, "episodes": 1, "out": out, **options}))


def kept(out: Path, episode: int) -> tuple[list[str], dict[int, bytes]]:
    with RunStore.open(out) as store:
        return [each.action.verb for each in store.steps(episode)], store.screenshots(episode)


def test_there_is_a_picture_of_the_beginning_and_of_every_step(install: Install, tmp_path: Path) -> None:
    install(PaintedWorld)
    played(tmp_path / "run")
    for episode in (0, 1):
        done, pictures = kept(tmp_path / "run", episode)
        assert list(pictures) == list(range(len(done) + 1))
        rooms = [sum(verb == "go" for verb in done[:steps]) for steps in pictures]
        assert list(pictures.values()) == [png(COLOURS[room]) for room in rooms]


def test_equal_pictures_are_kept_once(install: Install, tmp_path: Path) -> None:
    install(PaintedWorld)
    played(tmp_path / "run")
    with RunStore.open(tmp_path / "run") as store:
        [[number, shown]] = store._rows("SELECT (SELECT count(*) FROM pictures), count(*) FROM screenshots")
    assert number == len(COLOURS) < shown


def test_none_are_kept_where_they_are_not_wanted(install: Install, tmp_path: Path) -> None:
    class Unwatched(PaintedWorld):
        def screenshot(self) -> bytes | None:
            raise AssertionError("nobody is to look")

    install(Unwatched)
    played(tmp_path / "run", screenshots=False)
    assert kept(tmp_path / "run", 0)[1] == {}


def test_a_world_that_cannot_be_seen_now_and_then_has_no_picture_then(install: Install, tmp_path: Path) -> None:
    class Foggy(PaintedWorld):
        def screenshot(self) -> bytes | None:
            return super().screenshot() if self._at else None

    install(Foggy)
    played(tmp_path / "run")
    done, pictures = kept(tmp_path / "run", 1)
    assert min(pictures) == 1 + done.index("go")


@pytest.mark.parametrize(
    ("shown", "said"),
    [(b"GIF89a", "expected the bytes of a PNG, or None, for a screenshot"), (OSError("no paint"), "no paint")],
    ids=["no PNG", "raises"],
)
def test_a_picture_that_is_none_ends_the_episode_and_not_the_run(
    shown: Any, said: str, install: Install, tmp_path: Path
) -> None:
    class Careless(PaintedWorld):
        def screenshot(self) -> bytes | None:
            if isinstance(shown, Exception):
                raise shown
            return shown  # type: ignore[no-any-return]  # on purpose

    install(Careless)
    played(tmp_path / "run")
    with RunStore.open(tmp_path / "run") as store:
        assert [each.status for each in store.episodes()] == ["error", "error"]
        assert all(said in str(each.error) for each in store.episodes())


def test_pictures_come_from_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gallery.py").write_text(Path(__file__).with_name("painted_world.py").read_text(encoding="utf-8"))
    monkeypatch.syspath_prepend(str(tmp_path))
    import gallery  # type: ignore[import-not-found]  # noqa: PLC0415 -- written above

    world = IsolatedEnvironment(partial(gallery.PaintedWorld, EnvironmentOptions()), time_limit_s=20)
    assert isinstance(world, Pictured)
    try:
        world.reset("test-0")
        assert world.screenshot() == png(COLOURS[0])
        world.step(Action("go"))
        assert world.screenshot() == png(COLOURS[1])
    finally:
        world.close()


def test_a_world_without_a_face_is_not_asked_for_one() -> None:
    with_face, without = (
        PaintedWorld(EnvironmentOptions()),
        build.environment("locks").make(EnvironmentOptions(count=1)),
    )
    assert isinstance(with_face, Pictured)
    assert not isinstance(without, Pictured)


def test_an_unfinished_episode_is_shown_once_it_goes_on(install: Install, tmp_path: Path) -> None:
    install(PaintedWorld)
    played(tmp_path / "calm")

    def interrupt(event: Any) -> None:
        if event.phase == "learn" and event.step == 2:
            raise KeyboardInterrupt

    config = RunConfig.parse({"environment": "painted", "learn": 1, "episodes": 1, "out": tmp_path / "cut"})
    with pytest.raises(KeyboardInterrupt):
        run(config, progress=interrupt)
    run(config, resume=True)
    assert kept(tmp_path / "cut", 0) == kept(tmp_path / "calm", 0)
