"""The backend ``vllm``: a model in this process on a GPU, many requests at a time.

A vLLM server is better reached by the backend ``openai``; this one is for a machine of one's own, where a planner's whole batch goes to the
engine in one call. vLLM starts a process of its own: a script that makes this backend needs ``if __name__ == "__main__":``.

Whitespace is switched off for the whole engine: a schema alone was seen to end in endless whitespace.
"""

import importlib.util
import random
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from agentwm.backends.in_process import InProcess
from agentwm.backends.local import Completion, Draft, LocalEngine, fingerprint
from agentwm.backends.protocol import Backend, BackendOptions, BackendSpec, Message
from agentwm.backends.rendering import ChatTokenizer, chat_tokens, expect_template
from agentwm.errors import ConfigurationError, UnavailableError, quoted

__all__ = ["SPEC", "VLLMRuntime"]

# Those of vllm.LLM that a user may set, and how their text is read.
SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "dtype": str,
        "enforce_eager": lambda text: text == "true",
        "gpu_memory_utilization": float,
        "max_model_len": int,
        "quantization": str,
        "tensor_parallel_size": int,
    }
)
MISSING = "the backend vllm needs vllm and a machine that it supports: pip install 'agentwm[vllm]'"


class VLLMRuntime:
    """An engine of vLLM. ``settings`` are passed on to ``vllm.LLM``."""

    keeps_schemas = True

    def __init__(self, model: str, **settings: Any) -> None:
        import vllm  # noqa: PLC0415 -- half a minute, and only those who run it need it

        try:
            self._llm: Any = vllm.LLM(
                model=model,
                enable_prefix_caching=True,
                structured_outputs_config={"backend": "xgrammar", "disable_any_whitespace": True},
                **settings,
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise ConfigurationError(f"vllm cannot load the model {quoted(model)}: {error}") from error
        tokenizer = self._llm.get_tokenizer()
        expect_template(tokenizer, model)
        self._tokenizer: ChatTokenizer = tokenizer
        self._end = int(tokenizer.eos_token_id)
        self.context_tokens = int(self._llm.model_config.max_model_len)
        self.identity: Mapping[str, str] = MappingProxyType(
            {"backend": "vllm", "model": model, "version": str(vllm.__version__), **fingerprint(model)}
        )

    def chat_tokens(self, messages: Sequence[Message]) -> list[int]:
        """Return ``messages`` as the model was trained to see them."""
        return chat_tokens(self._tokenizer, messages)

    def answer_tokens(self, text: str) -> list[int]:
        """Return ``text`` and the token that ends an answer."""
        return [*self._tokenizer(text, add_special_tokens=False)["input_ids"], self._end]

    def complete(self, drafts: Sequence[Draft]) -> list[Completion]:
        """Return how ``drafts`` go on: all of them are given to the engine at once."""
        outputs = self._generate([draft.tokens for draft in drafts], [_parameters(draft) for draft in drafts])
        return [_completion(output) for output in outputs]

    def score(self, prompt: Sequence[int], endings: Sequence[Sequence[int]]) -> list[float]:
        """Return the log-probability of each ending, read off as that of a prompt."""
        from vllm import SamplingParams  # noqa: PLC0415 -- it is loaded by now

        # One token has to be written, and is thrown away.
        reading = SamplingParams(temperature=0, max_tokens=1, prompt_logprobs=1)
        outputs = self._generate([[*prompt, *ending] for ending in endings], [reading] * len(endings))
        return [
            sum(float(output.prompt_logprobs[len(prompt) + place][token].logprob) for place, token in enumerate(ending))
            for output, ending in zip(outputs, endings, strict=True)
        ]

    def _generate(self, prompts: Sequence[Sequence[int]], parameters: Sequence[Any]) -> list[Any]:
        from vllm.v1.engine.exceptions import EngineDeadError  # noqa: PLC0415 -- it is loaded by now

        prepared = [{"prompt_token_ids": list(prompt)} for prompt in prompts]
        try:
            return list(self._llm.generate(prepared, list(parameters), use_tqdm=False))
        except (EngineDeadError, RuntimeError, ValueError) as error:
            raise UnavailableError(f"vllm could not run {len(prompts)} prompts: {error}") from error

    def close(self) -> None:
        """Let go of the engine, which ends its process."""
        self._llm = None


def _parameters(draft: Draft) -> Any:
    """Return vLLM's parameters for ``draft``."""
    from vllm import SamplingParams  # noqa: PLC0415 -- it is loaded by now
    from vllm.sampling_params import StructuredOutputsParams  # noqa: PLC0415 -- as above

    request = draft.request
    return SamplingParams(
        temperature=request.temperature,
        top_p=request.top_p,
        max_tokens=request.max_tokens,
        seed=draft.seed,
        stop=list(request.stop) or None,
        structured_outputs=None if draft.schema is None else StructuredOutputsParams(json=draft.schema),
    )


def _completion(output: Any) -> Completion:
    """Return what one of vLLM's outputs says."""
    [written] = output.outputs
    return Completion(
        text=written.text,
        token_count=len(written.token_ids),
        finish="length" if written.finish_reason == "length" else "stop",
        cached_tokens=output.num_cached_tokens or 0,
    )


def _missing() -> str | None:
    return None if importlib.util.find_spec("vllm") else MISSING


def _make(options: BackendOptions) -> Backend:
    meter = options.account.meter(options.model)
    runtime = VLLMRuntime(options.model, max_num_seqs=options.in_flight, **_read(options.settings))
    return InProcess(LocalEngine(runtime, options.in_flight, random.SystemRandom()), meter)


def _read(settings: Mapping[str, str]) -> dict[str, Any]:
    read = {}
    for name, text in settings.items():
        if name not in SETTINGS:
            raise ConfigurationError(f"unknown setting of the backend vllm: {name}; there are {', '.join(SETTINGS)}")
        try:
            read[name] = SETTINGS[name](text)
        except ValueError as error:
            raise ConfigurationError(f"the setting {name} of the backend vllm: {error}") from error
    return read


SPEC = BackendSpec("vllm", "weights in this process on a GPU: vllm/MODEL", _make, _missing)
