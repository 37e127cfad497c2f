"""Writes a model trained from nothing as one GGUF file, which llama.cpp and what is built on it can serve.

Only what `agentwm.training.network` makes is written: a Llama with as many key as query heads, and byte-level pairs cut as GPT-2 does.
For other models llama.cpp has a converter of its own.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from transformers import AutoModelForCausalLM, AutoTokenizer

from agentwm.errors import ConfigurationError, quoted

__all__ = ["write_gguf"]

_LAYER = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_REST = {"embed_tokens": "token_embd", "norm": "output_norm"}
_TURNED = ("attn_q", "attn_k")


def write_gguf(folder: Path, file: Path, *, name: str) -> None:
    """Write the model in ``folder`` to ``file``, in 32-bit floats; ``name`` is what the file says the model is called.

    Raises: ConfigurationError when it is another kind of model, or the file cannot be written.
    """
    network = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    settings = network.config
    if settings.model_type != "llama" or not settings.tie_word_embeddings:
        raise ConfigurationError(
            f"expected a model that agentwm train made from nothing, but {folder} holds a {quoted(settings.model_type)}: "
            "convert it with llama.cpp's convert_hf_to_gguf.py"
        )
    writer = gguf.GGUFWriter(file, "llama")
    try:
        _describe(writer, settings, name)
        _add_tokens(writer, tokenizer)
        for title, weights in _tensors(network):
            writer.add_tensor(title, weights)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    except OSError as error:
        raise ConfigurationError(f"cannot write {file}: {error.strerror}") from error
    finally:
        writer.close()


def _describe(writer: gguf.GGUFWriter, settings: Any, name: str) -> None:
    writer.add_name(name)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_vocab_size(settings.vocab_size)
    writer.add_context_length(settings.max_position_embeddings)
    writer.add_embedding_length(settings.hidden_size)
    writer.add_block_count(settings.num_hidden_layers)
    writer.add_feed_forward_length(settings.intermediate_size)
    writer.add_head_count(settings.num_attention_heads)
    writer.add_head_count_kv(settings.num_key_value_heads)
    writer.add_layer_norm_rms_eps(settings.rms_norm_eps)
    writer.add_rope_dimension_count(settings.hidden_size // settings.num_attention_heads)
    writer.add_rope_freq_base(settings.rope_parameters["rope_theta"])


def _add_tokens(writer: gguf.GGUFWriter, tokenizer: Any) -> None:
    special = set(tokenizer.all_special_ids)
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    kinds = [gguf.TokenType.CONTROL if place in special else gguf.TokenType.NORMAL for place in range(len(tokens))]
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_add_bos_token(value=False)
    writer.add_chat_template(tokenizer.chat_template)


def _tensors(network: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the weights under the names that GGUF has for them."""
    weights = {title: tensor.numpy() for title, tensor in network.model.state_dict().items()}
    for title, own in _REST.items():
        yield f"{own}.weight", weights[f"{title}.weight"]
    for layer in range(network.config.num_hidden_layers):
        for title, own in _LAYER.items():
            tensor = weights[f"layers.{layer}.{title}.weight"]
            if own in _TURNED:
                tensor = _turned(tensor, network.config.num_attention_heads)
            yield f"blk.{layer}.{own}.weight", tensor


def _turned(weights: np.ndarray, heads: int) -> np.ndarray:
    """Return ``weights`` with the halves of each head interleaved: llama.cpp rotates neighbours, transformers halves."""
    out, into = weights.shape
    halves = weights.reshape(heads, 2, out // heads // 2, into)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(out, into))
