"""How the rows of a batch are decoded, each in its own way. Imports torch: only `agentwm.backends.transformers` imports this, late.

All three are what ``generate`` of transformers takes: they see the tokens so far (rows by length), and the first two change the
logits of the next one (rows by vocabulary).
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from agentwm.backends.local import Draft

__all__ = ["Constrain", "Draw", "Stop"]

TAIL = 32  # tokens; a stop string is looked for in the text of so many


class Constrain:
    """Leaves each row the tokens that its grammar allows. ``matchers`` are xgrammar's, None for a row that is free."""

    def __init__(self, matchers: Sequence[Any]) -> None:
        self._matchers = {row: matcher for row, matcher in enumerate(matchers) if matcher is not None}
        self._has_begun = False

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return ``scores`` with -inf for what no grammar allows."""
        if not self._matchers:
            return scores
        import xgrammar  # noqa: PLC0415 -- an extra of the extra

        if self._has_begun:
            for row, matcher in self._matchers.items():
                if not matcher.is_terminated():
                    matcher.accept_token(int(input_ids[row, -1]))
        self._has_begun = True
        rows = [row for row, matcher in self._matchers.items() if not matcher.is_terminated()]
        if rows:
            allowed = xgrammar.allocate_token_bitmask(len(scores), scores.shape[-1])
            for row in rows:
                self._matchers[row].fill_next_token_bitmask(allowed, row)
            xgrammar.apply_token_bitmask_inplace(scores, allowed.to(scores.device), indices=rows)
        return scores


class Draw:
    """Makes the best token of each row a draw at the row's temperature, with the row's own seed."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self._drawn = {
            row: (draft.request.temperature, draft.request.top_p, torch.Generator().manual_seed(draft.seed))
            for row, draft in enumerate(drafts)
            if draft.request.temperature > 0
        }

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:  # noqa: ARG002 -- the signature of transformers
        """Return ``scores`` of drawn rows, tempered, cut to their nucleus and shaken."""
        for row, (temperature, top_p, generator) in self._drawn.items():
            logits = scores[row].float() / temperature
            if top_p < 1:
                logits = _nucleus(logits, top_p)
            # On the CPU, so that a seed means the same on every device. Never 0: its logarithm would be infinite.
            noise = torch.rand(logits.shape, generator=generator, dtype=torch.float64).clamp_min(1e-300)
            scores[row] = logits - (-noise.log()).log().to(logits)
        return scores


def _nucleus(logits: torch.Tensor, top_p: float) -> torch.Tensor:
    """Return ``logits`` with -inf for all but the fewest tokens that hold ``top_p`` of the probability.

    Source: Holtzman et al., "The Curious Case of Neural Text Degeneration" (2020), section 3.1.
    """
    ordered, places = logits.softmax(-1).sort(descending=True)
    before = ordered.cumsum(-1) - ordered
    return logits.index_fill(-1, places[before >= top_p], float("-inf"))


class Stop:
    """Ends each row at its own limit of tokens, or when it has written one of its stop strings."""

    def __init__(self, drafts: Sequence[Draft], width: int, decode: Callable[[Sequence[int]], str]) -> None:
        self._requests = [draft.request for draft in drafts]
        self._width = width
        self._decode = decode

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: Any) -> torch.Tensor:  # noqa: ARG002 -- a tensor per row, as transformers wants it
        """Return which rows have come to their end."""
        written = input_ids.shape[1] - self._width
        ended = [
            written >= request.max_tokens or bool(request.stop and self._has_stopped(input_ids[row], request.stop))
            for row, request in enumerate(self._requests)
        ]
        return torch.tensor(ended, device=input_ids.device)

    def _has_stopped(self, row: torch.Tensor, stops: Sequence[str]) -> bool:
        tail = self._decode(row[max(self._width, len(row) - TAIL) :].tolist())
        return any(stop in tail for stop in stops)
