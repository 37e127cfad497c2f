"""When the texts and the facts of an environment agree.

Not every text tells everything: a room does not tell of the next one, and a line of words not of every cell in view. So what is asked for
holds wherever both speak of the same world:

* What is told by a text alone is of things that occur in it, at least by a word of their names, unless every task opens with them.
* A text tells nothing that is no longer so: a fact whose thing and value are both named in it does not change while the text stays.
* Where facts change in the course of an episode, its text does, too: whoever reads the text alone, as a language model does, must be able
  to notice that something happens.

Source: ours.
"""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import lru_cache

from agentwm.errors import quoted
from agentwm.testing.environment_trial import Walk
from agentwm.types import NOT_ENTITIES, Fluent, State, Vocabulary

__all__ = ["text_that_is_no_longer_so", "text_that_never_changes", "thing_out_of_nowhere", "things"]


def things(state: State, words: Vocabulary) -> Iterator[str]:
    """Yield the things that ``state`` tells something of."""
    for fluent in state:
        schema = words.fluents.get(fluent.name)
        for arg, sort in zip(fluent.args, schema.parameters if schema else (), strict=False):
            if not set(sort.split("|")) & NOT_ENTITIES:
                yield arg


def thing_out_of_nowhere(walk: Walk, words: Vocabulary, known: AbstractSet[str]) -> str | None:
    """Return where a text without facts told of a thing that it does not name, nor goal nor action, and that was not ``known``."""
    met = set(known)
    for number, (seen, state) in enumerate(zip(walk.seen, walk.believed, strict=True)):
        new = set(things(state, words)) - met
        met |= new
        if seen.facts:
            continue
        said = " ".join((seen.text, walk.goal.text, *(walk.done[number - 1].args if number else ())))
        unsaid = sorted(thing for thing in new if not any(_is_named(word, said) for word in _words(thing)))
        if unsaid:
            return f"{walk.task} tells of {unsaid[0]} in a text that names no such thing, {quoted(seen.text)}"
    return None


def text_that_is_no_longer_so(walk: Walk, words: Vocabulary) -> str | None:
    """Return where a fact changed of which both thing and value are named in a text, and the text stayed."""
    for number, (before, after) in enumerate(zip(walk.seen, walk.seen[1:], strict=False)):
        if before.text != after.text or not after.facts:
            continue
        for fluent, value in before.facts.items():
            now = after.facts.get(fluent, value)
            if now == value or not _is_shown(fluent, words) or not isinstance(value, str):
                continue
            if all(_is_named(name, after.text) for name in (*fluent.args, value)):
                return (
                    f"{fluent} was {value!r} in {walk.task} and became {now!r} with {walk.done[number]}, "
                    f"and the text stayed {quoted(after.text)}"
                )
    return None


def text_that_never_changes(walk: Walk, words: Vocabulary) -> str | None:
    """Return which facts changed in an episode with one and the same text all along."""
    if len({seen.text for seen in walk.seen}) > 1 or not all(seen.facts for seen in walk.seen):
        return None
    opening = walk.seen[0].facts
    changed = {
        fluent
        for seen in walk.seen
        for fluent, value in seen.facts.items()
        if _is_shown(fluent, words) and opening.get(fluent, value) != value
    }
    if not changed:
        return None
    return f"{min(map(str, changed))} changed in {walk.task}, and all the time the text was {quoted(walk.seen[0].text)}"


def _is_shown(fluent: Fluent, words: Vocabulary) -> bool:
    schema = words.fluents[fluent.name]
    return schema.is_seen_to_change and schema.counts_since is None


def _words(name: str) -> list[str]:
    """Return the words of ``name`` that say what it is: a ``2`` stands in many texts, and a reader may call a door ``exit of hall``."""
    return [word for word in name.split() if word.isalpha() and len(word) > 2] or [name]


def _is_named(name: str, text: str) -> bool:
    return _pattern(name).search(text) is not None


@lru_cache(maxsize=4096)
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
