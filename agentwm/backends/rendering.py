"""Messages as the tokens that a model was trained to see, by the chat template of its tokenizer."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from agentwm.backends.protocol import Message
from agentwm.errors import ConfigurationError, RequestError, quoted

__all__ = ["ChatTokenizer", "chat_tokens", "expect_template"]


class ChatTokenizer(Protocol):
    """What we ask of the tokenizers of transformers, and vllm's are these too."""

    def apply_chat_template(
        self, conversation: Sequence[Mapping[str, str]], *, tokenize: bool, add_generation_prompt: bool
    ) -> Any:
        """Return the text of a conversation."""

    def __call__(self, text: str, *, add_special_tokens: bool) -> Mapping[str, Any]:
        """Return the tokens of ``text`` as ``input_ids``."""

    def decode(self, token_ids: Sequence[int], *, skip_special_tokens: bool = False) -> Any:
        """Return the text of ``token_ids``."""


def expect_template(tokenizer: object, model: str) -> None:
    """Raise a ConfigurationError unless ``tokenizer`` has a chat template."""
    if not getattr(tokenizer, "chat_template", None):
        raise ConfigurationError(
            f"the model {quoted(model)} has no chat template, so it cannot be talked to: take its instruct version, "
            "or put a chat_template.jinja beside it"
        )


def chat_tokens(tokenizer: ChatTokenizer, messages: Sequence[Message]) -> list[int]:
    """Return the tokens of ``messages`` up to where the answer begins.

    Raises: RequestError when the template turns them down (some know no system message).
    """
    from jinja2 import TemplateError  # noqa: PLC0415 -- it comes with transformers

    conversation = [{"role": message.speaker, "content": message.text} for message in messages]
    try:
        text = tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True)
    except TemplateError as error:
        speakers = ", ".join(message.speaker for message in messages)
        raise RequestError(f"the model's chat template has no place for messages of {speakers}: {error}") from error
    # The template has written the special tokens already.
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])
