"""Weights in this process: our part is tested with a runtime of plain Python, the rest with random weights where there is torch."""

import json
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from agentwm import build
from agentwm.backends.accounts import Account, Budget
from agentwm.backends.checking import Checked
from agentwm.backends.in_process import InProcess
from agentwm.backends.local import Completion, Draft, LocalEngine, fingerprint
from agentwm.backends.protocol import Backend, BackendOptions, Message, Reply, Request, expect_replies
from agentwm.errors import BackendError, ConfigurationError, RequestError, UnavailableError
from tests.tiny_model import has, needs_torch, one_thread

TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


class Guess(BaseModel):
    works: bool
    verb: Literal["take", "open", "go to"]
    why: Annotated[str, Field(max_length=12)]


def asking(text: str = "hello", **settings: Any) -> Request:
    return Request((Message("user", text),), **settings)


class CharacterRuntime:
    """A model whose tokens are characters: it repeats the question, and likes the letters of ``liked``."""

    def __init__(self, *, keeps_schemas: bool = True, context_tokens: int = 1_000, liked: str = "ab") -> None:
        self.identity: Mapping[str, str] = {"backend": "characters", "model": "m"}
        self.keeps_schemas = keeps_schemas
        self.context_tokens = context_tokens
        self.liked = liked
        self.drafts: list[Draft] = []

    def chat_tokens(self, messages: Sequence[Message]) -> list[int]:
        return [ord(letter) for message in messages for letter in message.text]

    def answer_tokens(self, text: str) -> list[int]:
        return [*map(ord, text), 0]

    def complete(self, drafts: Sequence[Draft]) -> list[Completion]:
        if any("too large" in "".join(map(chr, draft.tokens)) for draft in drafts):
            raise UnavailableError("out of memory")
        self.drafts += drafts
        return [Completion("".join(map(chr, draft.tokens)), len(draft.tokens), "stop") for draft in drafts]

    def score(self, prompt: Sequence[int], endings: Sequence[Sequence[int]]) -> list[float]:  # noqa: ARG002 -- characters need no context
        return [sum(-0.1 if chr(token) in self.liked else -1.0 for token in ending) for ending in endings]

    def close(self) -> None: ...


def engine(runtime: CharacterRuntime) -> LocalEngine:
    return LocalEngine(runtime, 8, random.Random(0))


def test_answers_stand_in_the_order_of_their_requests_whatever_their_kind() -> None:
    requests = [asking("one"), asking("?", choices=("zz", "ab")), asking("x" * 900), asking("two")]
    one, chosen, error, two = engine(CharacterRuntime()).run(requests)
    assert isinstance(one, Reply)
    assert isinstance(chosen, Reply)
    assert isinstance(two, Reply)
    assert [one.text, chosen.text, two.text] == ["one", "ab", "two"]
    assert isinstance(error, RequestError)


def test_a_prompt_that_leaves_no_room_for_its_answer_is_refused_before_it_is_run() -> None:
    runtime = CharacterRuntime(context_tokens=100)
    [error] = engine(runtime).run([asking("x" * 60, max_tokens=41)])
    assert isinstance(error, RequestError)
    assert "100 tokens, got 60 and up to 41" in str(error)
    assert not runtime.drafts
    assert isinstance(engine(runtime).run([asking("x" * 60, max_tokens=40)])[0], Reply)


def test_the_choice_is_the_most_probable_whole_answer_and_its_beginning_is_not_favoured() -> None:
    # After "drawer 1" another character is likely, so its end is not: as whole answers, "drawer 10" is the better one.
    class Ten(CharacterRuntime):
        def score(self, prompt: Sequence[int], endings: Sequence[Sequence[int]]) -> list[float]:  # noqa: ARG002 -- as above
            def likely(ending: Sequence[int]) -> float:
                steps = "".join(map(chr, ending))
                return (
                    math.log(0.1) if steps == "drawer 1\0" else math.log(0.9) if steps == "drawer 10\0" else -math.inf
                )

            return [likely(ending) for ending in endings]

    [reply] = expect_replies(engine(Ten()).run([asking(choices=("drawer 1", "drawer 10"))]))
    assert reply.text == "drawer 10"
    assert reply.scores == pytest.approx((math.log(0.1), math.log(0.9)))


def test_choices_at_a_temperature_are_drawn_by_their_probability() -> None:
    runtime = CharacterRuntime(liked="a")
    requests = [asking(choices=("a", "b"), temperature=1.0, seed=7, sample=sample) for sample in range(400)]
    drawn = [reply.text for reply in expect_replies(engine(runtime).run(requests))]
    assert drawn.count("a") / 400 == pytest.approx(1 / (1 + math.exp(-0.9)), abs=0.06)
    assert drawn == [reply.text for reply in expect_replies(engine(runtime).run(requests))]


def test_a_schema_that_cannot_be_enforced_is_asked_for_in_words() -> None:
    held, free = CharacterRuntime(), CharacterRuntime(keeps_schemas=False, context_tokens=5_000)
    engine(held).run([asking(schema=Guess, max_tokens=20)])
    engine(free).run([asking(schema=Guess, max_tokens=20)])
    assert held.drafts[0].schema is not None
    assert free.drafts[0].schema is None
    assert '"verb"' in "".join(map(chr, free.drafts[0].tokens))


def test_a_batch_that_cannot_be_run_is_an_error_for_each_of_it() -> None:
    answers = engine(CharacterRuntime(context_tokens=5_000)).run([asking("fine"), asking("too large")])
    assert [type(answer) for answer in answers] == [UnavailableError, UnavailableError]


def test_text_after_a_stop_string_is_cut() -> None:
    [reply] = expect_replies(engine(CharacterRuntime()).run([asking("first\nsecond", stop=("\n",), max_tokens=30)]))
    assert reply.text == "first"


def test_requests_without_a_seed_are_drawn_apart_and_those_with_one_alike() -> None:
    runtime = CharacterRuntime()
    engine(runtime).run(
        [asking(temperature=1.0), asking(temperature=1.0), asking(seed=3), asking(seed=3), asking(seed=3, sample=1)]
    )
    first, second, third, fourth, fifth = (draft.seed for draft in runtime.drafts)
    assert first != second
    assert third == fourth == 3 != fifth


def test_other_weights_in_the_same_folder_are_another_model(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"one")
    before = fingerprint(str(tmp_path))
    assert before == fingerprint(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"more")
    assert before != fingerprint(str(tmp_path))
    assert fingerprint("some/name-on-a-hub") == {}


# --- with real, random weights ------------------------------------------------------------------------------------


needs_xgrammar = pytest.mark.skipif(not has("torch", "transformers", "xgrammar"), reason="xgrammar is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the folder of a model of a few thousand random weights that reads bytes."""
    import torch  # noqa: PLC0415 -- an extra
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: PLC0415 -- as above
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast  # noqa: PLC0415 -- as above

    path = tmp_path_factory.mktemp("tiny")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(models.BPE(vocab={letter: place for place, letter in enumerate(alphabet)}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    raw.decoder = decoders.ByteLevel()
    special = ["<|user|>", "<|assistant|>", "<|system|>"]
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|end|>", additional_special_tokens=special)  # noqa: S106 -- no secret
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(path)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=1,  # of 64: vllm knows few sizes of heads
        max_position_embeddings=256,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    network = LlamaForCausalLM(config)
    network.lm_head.weight.data *= 20  # or all bytes would be about as likely
    network.save_pretrained(path)
    return str(path)


@pytest.fixture(scope="module")
def backend(folder: str) -> Iterator[Backend]:
    from agentwm.backends.transformers import SPEC  # noqa: PLC0415 -- an extra

    with one_thread(), closing(SPEC.make(BackendOptions(folder, in_flight=4, settings={"device": "cpu"}))) as made:
        yield made


def said(backend: Backend, *requests: Request) -> list[str]:
    return [reply.text for reply in expect_replies(backend.generate(requests))]


@needs_torch
def test_a_greedy_answer_does_not_depend_on_its_batch(backend: Backend) -> None:
    requests = [
        asking(text, max_tokens=limit) for text, limit in (("hi", 12), ("a much longer question", 20), ("?", 5))
    ]
    assert said(backend, *requests) == [text for request in requests for text in said(backend, request)]


@needs_torch
def test_a_drawn_answer_depends_on_its_seed_and_sample_alone(backend: Backend) -> None:
    request = asking("hi", max_tokens=12, temperature=1.0, seed=5)
    samples = said(backend, *request.samples(6))
    assert len(set(samples)) == 6
    assert said(backend, asking("another row", max_tokens=20), *request.samples(2))[1:] == samples[:2]


@needs_torch
def test_draws_follow_the_models_distribution(backend: Backend) -> None:
    requests = asking("hi", max_tokens=1, temperature=1.0, seed=1).samples(400)
    drawn = Counter(said(backend, *requests))
    runtime: Any = backend._engine._runtime  # type: ignore[attr-defined]
    tokens = range(runtime._network.config.vocab_size)
    scores = runtime.score(runtime.chat_tokens(requests[0].messages), [[token] for token in tokens])
    assert math.fsum(map(math.exp, scores)) == pytest.approx(1, abs=1e-3)
    expected: Counter[str] = Counter()
    for token, score in zip(tokens, scores, strict=True):
        expected[runtime._tokenizer.decode([token], skip_special_tokens=True)] += math.exp(score)  # type: ignore[assignment]
    for text, probability in expected.most_common(3):
        assert drawn[text] / 400 == pytest.approx(probability, abs=0.08)


@needs_torch
def test_a_narrow_nucleus_leaves_the_best_token_only(backend: Backend) -> None:
    [greedy] = said(backend, asking("hi", max_tokens=8))
    drawn = asking("hi", max_tokens=8, temperature=1.0, top_p=0.01, seed=2).samples(4)
    assert set(said(backend, *drawn)) == {greedy}


@needs_torch
def test_scores_are_those_of_the_whole_model_read_naively(backend: Backend) -> None:
    import torch  # noqa: PLC0415 -- an extra

    choices = ("take", "open", "go to the fridge", "no", "yes")
    [reply] = expect_replies(backend.generate([asking("what?", choices=choices)]))
    runtime: Any = backend._engine._runtime  # type: ignore[attr-defined]
    prompt = runtime.chat_tokens((Message("user", "what?"),))
    naive = []
    for choice in choices:
        tokens = [*prompt, *runtime.answer_tokens(choice)]
        logits = runtime._network(input_ids=torch.tensor([tokens])).logits[0].detach().log_softmax(-1)
        naive.append(sum(float(logits[place - 1, tokens[place]]) for place in range(len(prompt), len(tokens))))
    assert reply.scores == pytest.approx(naive, abs=1e-3)
    assert reply.text == choices[naive.index(max(naive))]


@needs_torch
def test_a_row_ends_at_its_own_limit_and_stop_string(backend: Backend) -> None:
    [text] = said(backend, asking("hi", max_tokens=24))
    [short, stopped] = expect_replies(
        backend.generate([asking("hi", max_tokens=4), asking("hi", max_tokens=24, stop=(text[2],))])
    )
    assert (short.finish, short.usage.output_tokens) == ("length", 4)
    assert (stopped.finish, stopped.text) == ("stop", text[: text.index(text[2])])


@needs_xgrammar
def test_random_weights_held_to_a_schema_write_what_fits_it(backend: Backend) -> None:
    requests = [asking(f"question {number}", schema=Guess, max_tokens=140) for number in range(4)]
    mixed = [requests[0], asking("free", max_tokens=6), *requests[1:]]
    answers = Checked(backend).generate(mixed)
    guesses = [answer.read(Guess) for answer in answers if isinstance(answer, Reply) and answer.value]
    assert len(guesses) == 4
    assert all(len(guess.why) <= 12 for guess in guesses)


@needs_torch
def test_a_folder_without_a_model_or_a_template_is_an_error(folder: str, tmp_path: Path) -> None:
    from agentwm.backends.transformers import SPEC  # noqa: PLC0415 -- an extra

    with pytest.raises(ConfigurationError, match="cannot load the model"):
        SPEC.make(BackendOptions(str(tmp_path)))
    for file in Path(folder).iterdir():
        if file.name != "chat_template.jinja":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text())
    settings.pop("chat_template", None)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(ConfigurationError, match="no chat template"):
        SPEC.make(BackendOptions(str(tmp_path)))


def test_an_unknown_setting_is_named() -> None:
    for name in ("transformers", "vllm"):
        with pytest.raises(ConfigurationError, match=r"unknown setting.*colour"):
            build.backend(name).make(BackendOptions("m", settings={"colour": "red"}))


def test_a_backend_that_cannot_run_here_says_what_to_install() -> None:
    for name in ("transformers", "vllm"):
        missing = build.backend(name).missing()
        assert missing is None or f"pip install 'agentwm[{name}]'" in missing


@pytest.mark.gpu
@pytest.mark.filterwarnings("default")  # vllm warns of itself while it is imported
@pytest.mark.skipif(not has("vllm"), reason="vllm is not installed")
def test_vllm_answers_in_order_keeps_schemas_weighs_choices_and_draws_by_seed(folder: str) -> None:
    from agentwm.backends.vllm import SPEC  # noqa: PLC0415 -- an extra

    settings = {"dtype": "float32", "max_model_len": "256", "enforce_eager": "true"}
    account = Account()
    backend = Checked(SPEC.make(BackendOptions(folder, in_flight=8, account=account, settings=settings)))
    drawn = asking("hi", max_tokens=12, temperature=1.0, seed=5)
    guess, choice, *samples = backend.generate(
        [asking(schema=Guess, max_tokens=140), asking(choices=("take", "open")), *drawn.samples(4)]
    )
    assert isinstance(guess, Reply)
    assert len(guess.read(Guess).why) <= 12
    assert isinstance(choice, Reply)
    assert choice.scores is not None
    assert choice.text == ("take", "open")[choice.scores.index(max(choice.scores))]
    texts = [getattr(sample, "text", str(sample)) for sample in samples]
    assert len(set(texts)) == 4
    # Random weights seldom end by themselves: what was cut is asked again, and so an error with the text in it.
    assert all(isinstance(sample, Reply | BackendError) for sample in samples)
    assert account.total.output_tokens > 0
    backend.close()


def test_the_budget_ends_a_batch_between_its_rows() -> None:
    account = Account(Budget(calls=3))
    backend = InProcess(engine(CharacterRuntime()), account.meter("m"))
    answers = backend.generate([asking(str(number)) for number in range(5)])
    assert [isinstance(answer, Reply) for answer in answers] == [True] * 3 + [False] * 2
    assert account.total.calls == 3
