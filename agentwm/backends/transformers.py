"""The backend ``transformers``: a causal language model in this process, from a folder or a name on the hub.

Decoding is greedy throughout. What is drawn at a temperature is drawn by adding Gumbel noise of the row's own seed first, which is
the same distribution: so an answer depends on its own request and seed, not on what else stands in the batch.

Source: Gumbel-max, Maddison et al., "A* Sampling" (2014), section 2.
"""

import importlib.util
import random
from collections.abc import Mapping, Sequence
from importlib import metadata
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from agentwm.backends.in_process import InProcess
from agentwm.backends.local import Completion, Draft, LocalEngine, fingerprint
from agentwm.backends.protocol import Backend, BackendOptions, BackendSpec, Message
from agentwm.backends.rendering import ChatTokenizer, chat_tokens, expect_template
from agentwm.errors import ConfigurationError, UnavailableError, quoted

if TYPE_CHECKING:
    import torch

__all__ = ["SPEC", "TransformersRuntime"]

SETTINGS = ("device", "dtype")
MISSING = "the backend transformers needs torch and transformers: pip install 'agentwm[transformers]'"


class TransformersRuntime:
    """A model and its tokenizer. ``device`` None means a GPU where there is one."""

    def __init__(self, model: str, *, batch_size: int, device: str | None = None, dtype: str = "auto") -> None:
        import torch  # noqa: PLC0415 -- seconds, and only those who run weights need it
        from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig  # noqa: PLC0415 -- as above

        self._device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            tokenizer = AutoTokenizer.from_pretrained(model)
            network = AutoModelForCausalLM.from_pretrained(model, dtype=dtype)
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"cannot load the model {quoted(model)}: {error}") from error
        expect_template(tokenizer, model)
        self._tokenizer: ChatTokenizer = tokenizer
        self._network = network.to(self._device).eval()
        self._ends = _ends(network.generation_config.eos_token_id, tokenizer.eos_token_id, model)
        # Ours says all there is to say: what a model brings along (temperature, penalties) would be merged in.
        network.generation_config = GenerationConfig()
        self._batch_size = batch_size
        self._grammars: Any = None
        self.identity: Mapping[str, str] = MappingProxyType(
            {
                "backend": "transformers",
                "model": model,
                "version": metadata.version("transformers"),
                **fingerprint(model),
            }
        )
        text = network.config.get_text_config()  # of a model that sees pictures, too, the part that writes
        self.context_tokens = int(getattr(text, "max_position_embeddings", 0) or tokenizer.model_max_length)
        self.keeps_schemas = importlib.util.find_spec("xgrammar") is not None

    def chat_tokens(self, messages: Sequence[Message]) -> list[int]:
        """Return ``messages`` as the model was trained to see them."""
        return chat_tokens(self._tokenizer, messages)

    def answer_tokens(self, text: str) -> list[int]:
        """Return ``text`` and the token that ends an answer."""
        return [*self._tokenizer(text, add_special_tokens=False)["input_ids"], self._ends[0]]

    def complete(self, drafts: Sequence[Draft]) -> list[Completion]:
        """Return how ``drafts`` go on, decoded as one batch."""
        import torch  # noqa: PLC0415 -- it is loaded by now
        from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList  # noqa: PLC0415 -- as above

        from agentwm.backends.decoding import Constrain, Draw, Stop  # noqa: PLC0415 -- it needs torch

        width = max(len(draft.tokens) for draft in drafts)
        rows = [[self._ends[0]] * (width - len(draft.tokens)) + list(draft.tokens) for draft in drafts]
        mask = [[0] * (width - len(draft.tokens)) + [1] * len(draft.tokens) for draft in drafts]
        try:
            with torch.inference_mode():
                written = self._network.generate(
                    input_ids=torch.tensor(rows, device=self._device),
                    attention_mask=torch.tensor(mask, device=self._device),
                    generation_config=GenerationConfig(
                        do_sample=False,
                        max_new_tokens=max(draft.request.max_tokens for draft in drafts),
                        pad_token_id=self._ends[0],
                        eos_token_id=list(self._ends),
                    ),
                    logits_processor=LogitsProcessorList([Constrain(self._compiled(drafts)), Draw(drafts)]),
                    stopping_criteria=StoppingCriteriaList([Stop(drafts, width, self._tokenizer.decode)]),
                )
        except torch.OutOfMemoryError as error:
            raise UnavailableError(
                f"{len(drafts)} prompts of {width} tokens do not fit into memory: lower the calls in flight ({error})"
            ) from None
        return [self._completion(draft, row[width:].tolist()) for draft, row in zip(drafts, written, strict=True)]

    def _completion(self, draft: Draft, tokens: Sequence[int]) -> Completion:
        """Return what ``draft`` wrote of the row ``tokens``, which goes on until the longest of the batch has ended."""
        own = tokens[: draft.request.max_tokens]
        end = next((place for place, token in enumerate(own) if token in self._ends), None)
        text = self._tokenizer.decode(own[:end], skip_special_tokens=True)
        if end is None:
            return Completion(text, len(own), "length")
        return Completion(text, end + 1, "stop")

    def _compiled(self, drafts: Sequence[Draft]) -> list[Any]:
        """Return a fresh matcher of each draft's schema, None where it has none."""
        if not any(draft.schema for draft in drafts):
            return [None] * len(drafts)
        import xgrammar  # noqa: PLC0415 -- only for schemas

        if self._grammars is None:
            known = xgrammar.TokenizerInfo.from_huggingface(
                self._tokenizer,
                vocab_size=self._network.config.get_text_config().vocab_size,
                stop_token_ids=list(self._ends),
            )
            self._grammars = xgrammar.GrammarCompiler(known)
        # Free whitespace was seen to run to the limit of tokens.
        return [
            draft.schema
            and xgrammar.GrammarMatcher(self._grammars.compile_json_schema(draft.schema, any_whitespace=False))
            for draft in drafts
        ]

    def score(self, prompt: Sequence[int], endings: Sequence[Sequence[int]]) -> list[float]:
        """Return the log-probability of each ending, as many at once as a batch holds."""
        import torch  # noqa: PLC0415 -- it is loaded by now

        scores: list[float] = []
        for begin in range(0, len(endings), self._batch_size):
            batch = endings[begin : begin + self._batch_size]
            longest = max(map(len, batch))
            rows = torch.tensor(
                [[*prompt, *ending, *[self._ends[0]] * (longest - len(ending))] for ending in batch],
                device=self._device,
            )
            with torch.inference_mode():
                likely = self._log_probabilities(rows, len(prompt) - 1, longest)
            scores += [
                float(likely[row, torch.arange(len(ending)), torch.tensor(ending)].sum())
                for row, ending in enumerate(batch)
            ]
        return scores

    def _log_probabilities(self, rows: "torch.Tensor", begin: int, count: int) -> "torch.Tensor":
        """Return those of the ``count`` tokens after position ``begin`` of each row, padded on the right. The vocabulary comes last."""
        import torch  # noqa: PLC0415 -- it is loaded by now

        # No mask is needed: what stands on the right is not seen. Logits of the whole prompt would fill the memory.
        wanted = torch.arange(begin, begin + count, device=self._device)
        logits = self._network(input_ids=rows, logits_to_keep=wanted).logits
        return torch.log_softmax(logits.float(), dim=-1).cpu()

    def close(self) -> None:
        """Let go of the weights."""
        self._network = None


def _ends(of_model: int | list[int] | None, of_tokenizer: int | None, model: str) -> tuple[int, ...]:
    """Return the tokens that end an answer, the tokenizer's own first."""
    ends = [of_model] if isinstance(of_model, int) else list(of_model or ())
    if of_tokenizer is not None:
        ends = [of_tokenizer, *(end for end in ends if end != of_tokenizer)]
    if not ends:
        raise ConfigurationError(
            f"the model {quoted(model)} names no token that ends an answer (eos_token_id): name one in its configuration"
        )
    return tuple(ends)


def _missing() -> str | None:
    return None if all(map(importlib.util.find_spec, ("torch", "transformers"))) else MISSING


def _make(options: BackendOptions) -> Backend:
    if unknown := sorted(set(options.settings) - set(SETTINGS)):
        raise ConfigurationError(
            f"unknown settings of the backend transformers: {', '.join(unknown)}; there are {', '.join(SETTINGS)}"
        )
    meter = options.account.meter(options.model)
    runtime = TransformersRuntime(options.model, batch_size=options.in_flight, **options.settings)
    return InProcess(LocalEngine(runtime, options.in_flight, random.SystemRandom()), meter)


SPEC = BackendSpec(
    "transformers", "weights in this process, from a folder or a hub: transformers/MODEL", _make, _missing
)
