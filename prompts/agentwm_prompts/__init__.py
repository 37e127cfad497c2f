"""The prompts of the LLM mind: Markdown files with ``$slots``, one per role, and one more for goals in people's own words.

Each function here is an entry point of the group ``agentwm.prompts``, which is how the mechanism finds them.
"""

from importlib import resources

from agentwm.backends.prompts import Prompt

__all__ = ["goal", "induce", "judge", "perceive", "predict", "propose"]


def perceive() -> Prompt:
    """Return the prompt that asks what a text tells."""
    return _read("perceive")


def goal() -> Prompt:
    """Return the prompt that asks which goal somebody's words mean: the other question of the role perceive, of another form."""
    return _read("goal", role="perceive")


def predict() -> Prompt:
    """Return the prompt that asks what a command would do."""
    return _read("predict")


def propose() -> Prompt:
    """Return the prompt that asks what is worth trying."""
    return _read("propose")


def judge() -> Prompt:
    """Return the prompt that asks how near a state is to the goal."""
    return _read("judge")


def induce() -> Prompt:
    """Return the prompt that asks which rules explain what was seen."""
    return _read("induce")


def _read(name: str, *, role: str = "") -> Prompt:
    text = (resources.files(__name__) / f"{name}.md").read_text(encoding="utf-8")
    return Prompt.parse(role or name, text)
