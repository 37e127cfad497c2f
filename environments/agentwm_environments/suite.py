"""The worlds that agentwm is tried in, and what is asked in each: data for `agentwm eval suite`, and nothing else.

Source: what is asked is the project's own ("ours"); how many episodes make a row is, too.
"""

from agentwm.types import Asked, Brief, SuiteRow, SuiteSpec

__all__ = ["SPEC"]

_TEXTWORLD = "TextWorld"
_SMALL = "Gymnasium's toy text"
_GAMES, _SEEDS, _CHANCES = 50, 100, 1000

_TEXT_ROWS = tuple(
    SuiteRow(
        name,
        name,
        _GAMES,
        group=_TEXTWORLD,
        asked=Asked(won=won, step_ratio=steps),
        brief=Brief(learn=5, episodes=5),
    )
    for name, won, steps in (
        ("textworld-coin", 0.95, 2.0),
        ("textworld-treasure", 0.95, 2.0),
        ("textworld-simple", 0.95, 2.0),
        ("textworld-cooking", 0.85, None),
    )
)

_GRID_ROWS = tuple(
    SuiteRow(
        f"{group}-{name}-v0",
        f"{group}-{name}-v0",
        _SEEDS,
        group=group,
        asked=Asked(won=won),
        brief=Brief(learn=None, episodes=10),
        with_random=True,
    )
    for group, won, names in (
        (
            "MiniGrid",
            0.97,
            ("Empty-8x8", "FourRooms", "DoorKey-5x5", "DoorKey-8x8", "MultiRoom-N4-S5", "UnlockPickup"),
        ),
        ("BabyAI", 0.95, ("GoToLocal", "PickupLoc", "PutNextLocal", "UnlockLocal", "GoToSeq")),
    )
    for name in names
)

_SMALL_ROWS = tuple(
    SuiteRow(
        name,
        environment,
        _CHANCES,
        group=_SMALL,
        asked=Asked(return_share=0.98),
        split=split,
        max_steps=steps,
        brief=None if learn is None else Brief(learn, episodes=10),
        with_random=True,
    )
    for name, environment, split, steps, learn in (
        ("taxi", "taxi", None, None, 6),
        ("frozenlake", "frozenlake", None, None, 30),
        # As many steps as Gymnasium gives an episode on the larger map.
        ("frozenlake-8x8", "frozenlake", "test_8x8", 200, None),
        ("cliffwalking", "cliffwalking", None, None, 5),
    )
)

_SOKOBAN = SuiteRow(
    "sokoban",
    "sokoban",
    _GAMES,
    group="Sokoban",
    asked=Asked(won=0.9),
    brief=Brief(learn=25, episodes=5),
    with_random=True,
)

# Those agents see pictures instead of facts and train on a million steps; but SPRING is GPT-4, which has read the paper on Crafter.
_PUBLISHED = (
    "the scoreboard of danijar/crafter: SPRING 27.3 %, PPO with a ResNet 15.6 %, DreamerV3 14.5 %, DreamerV2 10.0 %, "
    "PPO 4.6 %, Rainbow 4.3 %, random 1.6 %; human experts 50.5 %"
)

_CRAFTER = SuiteRow(
    "crafter", "crafter", 30, group="Crafter", max_steps=10_000, with_random=True, published=(_PUBLISHED,)
)

SPEC = SuiteSpec(
    "worlds",
    "text and grid worlds, each learned from nothing, without a language model",
    (*_TEXT_ROWS, *_GRID_ROWS, *_SMALL_ROWS, _SOKOBAN, _CRAFTER),
)
