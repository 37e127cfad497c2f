"""What comes by itself: now and then, at about the same small rate whatever is done, so that no action is to be credited with it."""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_

from agentwm.induction.chance import binomial_tail
from agentwm.induction.effects import END, REWARD, EffectTable
from agentwm.induction.slots import LEAST_SHARE, Slot

__all__ = ["passing"]

RARELY = 0.1  # share of the examples in which a slot changes unexplained, beyond which it does not do so now and then
ALIKE = 0.05  # the probability from which on it is put down to chance that something comes more often, divided by how often that is asked
MOST = 2 / 3  # of the verbs after which it would have come, if it came alike after all: after so many it must have come
VALUE = 2  # the rank of an effect that is a constant
FEW = 4  # times that something came, before which it is not known to come by itself


def passing(together: EffectTable, explained: Mapping[str, int], surely: Mapping[str, int]) -> dict[str, int]:
    """Return, per slot of the examples of all verbs, those in which it changed by itself, too rarely to be foretold as a chance.

    What is ``explained`` by sure rules of some verb is no sign that something comes by itself. Where the rest shows that it does, only what
    is ``surely`` explained, time after time, is not taken to have come so too.
    """
    found: dict[str, int] = {}
    for name, slot in together.slots.items():
        changed = slot.known.mask & ~slot.kept.mask
        strays = changed & ~explained.get(name, 0)
        verbs = [bits.mask & slot.known.mask for bits in together.verbs.values()]
        if name in (REWARD, END) or strays.bit_count() < FEW or not _is_rare(verbs, strays):
            continue
        mask = 0
        for way in _ways(slot, strays):
            mask |= _by_itself(verbs, strays & way, changed & way & ~surely.get(name, 0))
        if mask:
            found[name] = mask
    return found


def _is_rare(verbs: Sequence[int], strays: int) -> bool:
    """Whether the slot stays mostly as it is, whatever is done, but for those of ``verbs`` that change it more often than others."""
    alike = _alike(verbs, strays, strays)
    return (strays & reduce(or_, alike, 0)).bit_count() <= RARELY * _number(alike)


def _by_itself(verbs: Sequence[int], strays: int, changed: int) -> int:
    """Return those of ``changed`` that came about as often whatever was done, given which examples are of which verb.

    Whether it comes by itself at all, and how often, is told by the ``strays`` among them.
    """
    alike = _alike(verbs, strays, changed)
    if not alike:
        return 0
    trials, count = _number(alike), (strays & reduce(or_, alike)).bit_count()
    if binomial_tail(count, trials, LEAST_SHARE) < ALIKE:
        return 0
    expected = sum(1 - (1 - count / trials) ** verb.bit_count() for verb in verbs)
    came = sum(1 for verb in alike if strays & verb)
    if count < FEW or came < max(2, MOST * expected):
        return 0
    return changed & reduce(or_, alike)


def _alike(verbs: Sequence[int], strays: int, changed: int) -> list[int]:
    """Return the ``verbs`` but those with which it came more often than chance explains, by how often it comes with the others."""
    alike, others = list(verbs), [*verbs, 0]
    while alike and len(alike) < len(others):
        rate = (strays & reduce(or_, alike)).bit_count() / _number(alike)
        others = alike
        alike = [
            verb
            for verb in others
            if binomial_tail((changed & verb).bit_count(), verb.bit_count(), rate) >= ALIKE / len(verbs)
        ]
    return alike


def _number(verbs: Sequence[int]) -> int:
    return max(1, sum(verb.bit_count() for verb in verbs))


def _ways(slot: Slot, strays: int) -> Sequence[int]:
    """Return the examples of each way in which the slot turned out in ``strays``: by sums, where it is a number, else by values."""
    sums = [bits.mask for effect, bits in slot.explained.items() if effect.adds]
    masks = sums or [bits.mask for effect, bits in slot.explained.items() if effect.rank == VALUE]
    return [mask for mask in masks if mask & strays]
