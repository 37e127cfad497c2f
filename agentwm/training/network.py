"""The weights to train: a small Llama of random ones, or those of a base with low-rank adapters. Imports torch: only imported to train.

Source of the adapters: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (2022), section 4.1; on all linear layers as in
Dettmers et al., "QLoRA" (2023), section 4.
"""

from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from agentwm.backends.rendering import expect_template
from agentwm.errors import ConfigurationError, quoted

__all__ = ["Shape", "adapted", "context_tokens", "merged", "new_network", "read_base"]

HEAD = 64  # a width that every library has fast code for
FEED_FORWARD = 8 / 3  # of the width, as in Llama
RANK = 8


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a small Llama: ``layers`` of ``width``, for texts of up to ``context_tokens``."""

    layers: int = 4
    width: int = 192
    context_tokens: int = 4096

    def __post_init__(self) -> None:
        if self.width % HEAD or self.width < HEAD or self.layers < 1:
            raise ConfigurationError(
                f"expected at least one layer and a width that is a multiple of {HEAD}, got {self.layers} and {self.width}"
            )


def new_network(shape: Shape, tokenizer: PreTrainedTokenizerFast, *, seed: int) -> Any:
    """Return a Llama of random weights, drawn with ``seed``, that shares the embedding of its input with its output."""
    torch.manual_seed(seed)
    heads = shape.width // HEAD
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=shape.width,
            # A multiple of 32, as formats that hold weights in blocks want it.
            intermediate_size=round(FEED_FORWARD * shape.width / 32) * 32,
            num_hidden_layers=shape.layers,
            num_attention_heads=heads,
            num_key_value_heads=heads,
            max_position_embeddings=shape.context_tokens,
            tie_word_embeddings=True,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
        )
    )


def read_base(model: str) -> tuple[Any, Any]:
    """Return the network and the tokenizer of ``model``, a folder or a name on the hub.

    Raises: ConfigurationError when it cannot be read or has no chat template.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(model)
        network = AutoModelForCausalLM.from_pretrained(model, dtype="auto")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot load the base model {quoted(model)}: {error}") from error
    expect_template(tokenizer, model)
    if tokenizer.eos_token_id is None:
        raise ConfigurationError(
            f"the base model {quoted(model)} names no token that ends an answer (eos_token): take its instruct version"
        )
    return network, tokenizer


def context_tokens(network: Any, tokenizer: Any) -> int:
    """Return how many tokens question and answer may have together."""
    text = network.config.get_text_config()  # of a model that sees pictures, too, the part that writes
    return int(getattr(text, "max_position_embeddings", 0) or tokenizer.model_max_length)


def adapted(network: Any, *, seed: int) -> Any:
    """Return ``network`` frozen, with trainable adapters of rank `RANK` on its linear layers."""
    from peft import LoraConfig, get_peft_model  # noqa: PLC0415 -- only for a base

    torch.manual_seed(seed)
    return get_peft_model(
        network, LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM")
    )


def merged(network: Any) -> Any:
    """Return an adapted ``network`` with its adapters added to its weights, so that it loads like any other."""
    return network.merge_and_unload()
