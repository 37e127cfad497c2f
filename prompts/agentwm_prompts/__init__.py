"""The prompts of the LLM mind: Markdown files with ``$slots``, one per role.

Each function here is an entry point of the group ``agentwm.prompts``, which is how the mechanism finds them.
"""

from importlib import resources

from agentwm.backends.prompts import Prompt

__all__ = ["judge", "predict", "propose"]


def predict() -> Prompt:
    """Return the prompt that asks what a command would do."""
    return _read("predict")


def propose() -> Prompt:
    """Return the prompt that asks what is worth trying."""
    return _read("propose")


def judge() -> Prompt:
    """Return the prompt that asks how near a state is to the goal."""
    return _read("judge")


def _read(role: str) -> Prompt:
    text = (resources.files(__name__) / f"{role}.md").read_text(encoding="utf-8")
    return Prompt.parse(role, text)
