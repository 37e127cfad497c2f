"""A tokenizer of a data set's own: byte-level pairs, as GPT-2's, with a chat template. Imports transformers: only imported to train.

Source: Radford et al., "Language Models are Unsupervised Multitask Learners" (2019), section 2.2.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from agentwm.training.dataset import Conversation

__all__ = ["END", "chat_template", "new_tokenizer"]

END = "<|end|>"
SPEAKERS = ("<|system|>", "<|user|>", "<|assistant|>")
RAREST = 2  # times that a pair must occur to become a token

_TURN = f"<|{{{{ message.role }}}}|>{{{{ message.content }}}}{END}"
_TEMPLATE = "{% for message in messages %}TURN{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
_OMITTED = "{% if message.role != 'system' or message.content != SAID %}TURN{% endif %}"


def new_tokenizer(conversations: Sequence[Conversation], *, most_tokens: int) -> PreTrainedTokenizerFast:
    """Return a tokenizer of at most ``most_tokens`` tokens, learned from ``conversations``."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(models.BPE())
    # GPT-2's cutting into words: the one that llama.cpp has under the same name.
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=most_tokens,
        min_frequency=RAREST,
        special_tokens=[END, *SPEAKERS],
        initial_alphabet=alphabet,
        show_progress=False,
    )
    raw.train_from_iterator(_texts(conversations), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token=END,
        pad_token=END,
        additional_special_tokens=list(SPEAKERS),
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = chat_template(conversations)
    return tokenizer


def chat_template(conversations: Sequence[Conversation]) -> str:
    """Return the template that writes such ``conversations`` as one text.

    What the system says is left out where it is the same everywhere, or it would be most of what is read. Only just that is left out:
    servers try out whether a template has a place for the system's words, and put them into the user's mouth where it has none.
    """
    said = _said_by_the_system(conversations)
    turn = _TURN
    if len(said) == 1:
        turn = _OMITTED.replace("TURN", _TURN).replace("SAID", json.dumps(said.pop(), ensure_ascii=False))
    return _TEMPLATE.replace("TURN", turn)


def _said_by_the_system(conversations: Iterable[Conversation]) -> set[str]:
    return {message.text for each in conversations for message in each.messages if message.speaker == "system"}


def _texts(conversations: Sequence[Conversation]) -> Iterator[str]:
    """Yield what the model will read and write."""
    is_omitted = len(_said_by_the_system(conversations)) == 1
    for each in conversations:
        yield from (message.text for message in each.messages if not (is_omitted and message.speaker == "system"))
        yield each.answer
