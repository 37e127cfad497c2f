"""Training: what it reads, what it refuses, and that the numbers it prints are what the model then does."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agentwm import RunConfig, cli_training, run
from agentwm.backends.protocol import BackendOptions, Message, Reply, Request, expect_replies
from agentwm.errors import ConfigurationError, MissingExtraError
from agentwm.training.dataset import Conversation, read_dataset
from agentwm.training.report import Counts, Scores, TrainingReport, report_view
from agentwm.training.saving import appearing
from tests.conftest import agentwm_here
from tests.test_cli import complaint
from tests.tiny_model import TinyModel, command, has, needs_torch, one_thread, tiny_model

GOOD = {
    "split": "train",
    "messages": [{"role": "user", "content": "open fridge 1"}, {"role": "assistant", "content": "It opens."}],
}
QUICK = ("--layers", "1", "--width", "64", "--epochs", "1", "--max-seconds", "60")


@pytest.fixture(autouse=True)
def _no_official_games(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALFWORLD_DATA", raising=False)


def written(path: Path, *lines: object) -> Path:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


# --- what is read ---------------------------------------------------------------------------------------------------------


def test_conversations_are_read_onto_the_side_that_they_say(tmp_path: Path) -> None:
    data = read_dataset(written(tmp_path / "d.jsonl", GOOD, {**GOOD, "split": "held_out", "episode": 3}, ""))
    expected = Conversation((Message("user", "open fridge 1"),), "It opens.")
    assert (data.train, data.held_out) == ((expected,), (expected,))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"split": "train", "mess', "Invalid JSON"),
        ({"messages": GOOD["messages"]}, "split: Field required"),
        ({**GOOD, "split": "test"}, "split: Input should be 'train' or 'held_out'"),
        ({**GOOD, "messages": GOOD["messages"][:1]}, "messages: List should have at least 2 items"),
        ({**GOOD, "messages": GOOD["messages"][::-1]}, "the assistant's answer at the end"),
        ({"split": "train", "prompt": [], "chosen": [], "rejected": []}, "messages: Field required"),
    ],
)
def test_a_damaged_line_is_named(line: object, expected: str, tmp_path: Path) -> None:
    path = written(tmp_path / "d.jsonl", GOOD, line)
    with pytest.raises(ConfigurationError, match=r"d\.jsonl:2") as raised:
        read_dataset(path)
    assert expected in str(raised.value)


def test_a_text_may_hold_what_ends_a_line_elsewhere(tmp_path: Path) -> None:
    answer = "one\u2028two\u0085three"
    row = {**GOOD, "messages": [*GOOD["messages"][:-1], {"role": "assistant", "content": answer}]}
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert [each.answer for each in read_dataset(path).train] == [answer]


def test_nothing_to_train_on_is_an_error(tmp_path: Path) -> None:
    for lines, expected in (((), "has no line"), (({**GOOD, "split": "held_out"},), "has only 1 held-out lines")):
        with pytest.raises(ConfigurationError, match=f"{expected}: make some with agentwm export"):
            read_dataset(written(tmp_path / "d.jsonl", *lines))
    with pytest.raises(ConfigurationError, match="cannot read the training data"):
        read_dataset(tmp_path / "nowhere.jsonl")


# --- what is refused ------------------------------------------------------------------------------------------------------


def test_without_the_extra_the_command_says_what_to_install(tmp_path: Path) -> None:
    # A folder of the user's hides nothing: the packages are made unfindable in a process of their own.
    hidden = "import importlib.util as u; u.find_spec = lambda *_: None\nfrom agentwm.cli import main; main()"
    arguments = ["train", str(written(tmp_path / "d.jsonl", GOOD)), "--out", "m", "--base", "b"]
    done = subprocess.run(
        [sys.executable, "-c", hidden, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=dict(os.environ),
        timeout=60,
    )
    assert "needs torch and transformers and peft, not installed here: pip install 'agentwm[train]'" in complaint(done)
    assert not (tmp_path / "m").exists()


def test_a_missing_package_is_named_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "gguf" else object())
    cli_training._expect_installed(needs_peft=True, needs_gguf=False)
    with pytest.raises(MissingExtraError, match="agentwm train needs gguf, not installed"):
        cli_training._expect_installed(needs_peft=True, needs_gguf=True)


def test_what_is_there_already_is_not_written_over(tmp_path: Path) -> None:
    data = written(tmp_path / "d.jsonl", GOOD)
    (tmp_path / "m").mkdir()
    mine = written(tmp_path / "m" / "mine", "mine")
    for arguments, expected in (
        (("--out", "m"), "there is something in m: choose another --out"),
        (("--out", "."), "the name of a new folder for the model, got .: choose another --out"),
        (("--out", "new", "--learning-rate", "-1"), "'--learning-rate': Input should be greater"),
        (("--out", "new", "--gguf", data), "choose another --gguf"),
        (("--out", "new", "--gguf", "nowhere/m.gguf"), "expected a folder for m.gguf, but nowhere is none"),
        (("--out", "new", "--gguf", "new.gguf", "--base", "b"), "convert_hf_to_gguf.py"),
    ):
        assert expected in complaint(agentwm_here("train", data, *arguments, cwd=tmp_path))
    assert mine.read_text() == "mine\n"


def test_a_model_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "models" / "m"
    with suppress(KeyboardInterrupt), appearing(out) as folder:
        written(folder / "weights", "half")
        raise KeyboardInterrupt
    assert list((tmp_path / "models").iterdir()) == []
    out.mkdir()
    with appearing(out) as folder:
        written(folder / "weights", "all")
        assert list(out.iterdir()) == []
    assert [path.name for path in (tmp_path / "models").rglob("*")] == ["m", "weights"]


def test_what_another_training_is_writing_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "m.unfinished"
    theirs.mkdir()
    mine = written(theirs / "weights", "theirs")
    with pytest.raises(ConfigurationError, match=r"m\.unfinished is there: .* remove it, or choose another --out"):
        appearing(tmp_path / "m").__enter__()
    assert mine.read_text() == "theirs\n"


@needs_torch
def test_a_folder_that_cannot_be_written_is_found_out_before_anything_is_trained(
    tiny: TinyModel, tmp_path: Path
) -> None:
    written(tmp_path / "file", "no folder")
    data = some_of(tiny.data, tmp_path / "d.jsonl", 8)
    done = agentwm_here("train", data, "--out", "file/m", *QUICK[:6], cwd=tmp_path)
    assert "cannot write the model to file/m: " in complaint(done)
    assert "step" not in done.stderr


def test_a_report_without_held_out_scores_says_so() -> None:
    counts = Counts(conversations=3, too_long=1, answer_tokens=9)
    common: dict[str, Any] = {
        "out": "m",
        "data": "d",
        "base": None,
        "method": "from scratch",
        "parameters": 10,
        "trained_parameters": 10,
        "vocabulary": 300,
        "context_tokens": 64,
        "train": counts,
        "held_out": counts,
        "before": None,
        "epochs": 2,
        "steps": 3,
        "planned_steps": 6,
        "first_loss": 2.0,
        "last_loss": 1.0,
        "seed": 0,
        "device": "cpu",
        "seconds": 1.0,
    }
    nothing = TrainingReport(**common, after=None, commonest_exact_match=None)
    page = "\n".join(str(cell) for column in report_view(nothing).columns for cell in column.cells)
    assert "none: nothing was held out" in page
    assert "1 too long for the model left out" in page
    assert "3 of 6 planned: out of time" in page
    scored = TrainingReport(**common, after=Scores(exact_match=0.25, token_accuracy=0.5), commonest_exact_match=0.75)
    page = "\n".join(str(cell) for column in report_view(scored).columns for cell in column.cells)
    assert "0.250 (the commonest answer: 0.750)" in page


# --- with weights ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, household: Path) -> Iterator[TinyModel]:
    with one_thread():
        yield tiny_model(tmp_path_factory, household)


def weights(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def trained(data: Path, out: str, *options: str | Path, cwd: Path) -> dict[str, Any]:
    done = command("train", data, "--out", out, *options, "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def some_of(data: Path, path: Path, most: int) -> Path:
    """Return a file with the first ``most`` rows of each side."""
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    kept = [row for side in ("train", "held_out") for row in [r for r in rows if r["split"] == side][:most]]
    return written(path, *kept)


@needs_torch
def test_the_report_counts_what_is_in_the_file_and_the_loss_falls(tiny: TinyModel) -> None:
    report, data = tiny.report, read_dataset(tiny.data)
    assert report["train"]["conversations"] == len(data.train) > 0
    assert report["held_out"]["conversations"] == len(data.held_out) > 0
    assert report["train"]["too_long"] == report["held_out"]["too_long"] == 0
    assert report["last_loss"] < 0.5 * report["first_loss"]
    answers = [each.answer for each in data.train]
    commonest = max(dict.fromkeys(answers), key=answers.count)
    share = sum(each.answer == commonest for each in data.held_out) / len(data.held_out)
    assert report["commonest_exact_match"] == pytest.approx(share)
    assert json.loads((tiny.folder / "training.json").read_text()) == report


@needs_torch
def test_the_exact_match_is_what_the_model_then_writes(tiny: TinyModel) -> None:
    from agentwm.backends.transformers import SPEC  # noqa: PLC0415 -- an extra

    data = read_dataset(tiny.data)
    backend = SPEC.make(BackendOptions(str(tiny.folder), in_flight=16, settings={"device": "cpu"}))
    longest = max(len(each.answer) for each in data.held_out)
    asked = [Request(each.messages, max_tokens=longest) for each in data.held_out]
    said = expect_replies(backend.generate(asked))
    exact = sum(reply.text == each.answer for reply, each in zip(said, data.held_out, strict=True))
    assert tiny.report["after"]["exact_match"] == pytest.approx(exact / len(data.held_out), abs=0.011)
    assert exact > 0, "or nothing was compared"


@needs_torch
def test_the_scores_are_those_of_one_conversation_at_a_time(tiny: TinyModel) -> None:
    import torch  # noqa: PLC0415 -- an extra
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415 -- as above

    from agentwm.training.fitting import Measured, measure  # noqa: PLC0415 -- as above
    from agentwm.training.run import _tokenized  # noqa: PLC0415 -- as above

    tokenizer = AutoTokenizer.from_pretrained(tiny.folder)
    network = AutoModelForCausalLM.from_pretrained(tiny.folder)
    examples, _ = _tokenized(read_dataset(tiny.data).held_out[:24], tokenizer, 4096)
    exact = right = 0
    for question, answer in examples:
        with torch.inference_mode():
            logits = network(input_ids=torch.tensor([[*question, *answer]])).logits[0]
        best = logits[len(question) - 1 : -1].argmax(-1).tolist()
        right += sum(one == other for one, other in zip(best, answer, strict=True))
        exact += best == list(answer)
    tokens = sum(len(answer) for _, answer in examples)
    assert measure(network, examples, batch_size=7) == Measured(24, exact, tokens, right)


@needs_torch
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tiny: TinyModel, tmp_path: Path) -> None:
    from agentwm.training.fitting import Schedule  # noqa: PLC0415 -- an extra
    from agentwm.training.network import Shape  # noqa: PLC0415 -- as above
    from agentwm.training.run import Training, train  # noqa: PLC0415 -- as above

    data = read_dataset(some_of(tiny.data, tmp_path / "d.jsonl", 24))
    for out, seed in (("a", 1), ("b", 1), ("c", 2)):
        schedule = Schedule(1, 16, 1e-3, seed=seed)
        train(data, Training(tmp_path / out, schedule, shape=Shape(1, 64)), source="d.jsonl")
    assert weights(tmp_path / "a") == weights(tmp_path / "b") != weights(tmp_path / "c")


@needs_torch
def test_the_tokenizer_loses_nothing_and_omits_only_what_was_always_said(tiny: TinyModel) -> None:
    from transformers import AutoTokenizer  # noqa: PLC0415 -- an extra

    tokenizer = AutoTokenizer.from_pretrained(tiny.folder)
    for text in ("You open the fridge 1.", "Ωμέγα 🧊\n\ttabs  and spaces ", "<|end|> is a token"):
        assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text
    [first, *_] = read_dataset(tiny.data).train
    known, other = first.messages[0].text, "You are someone else."

    def rendered(system: str) -> str:
        said = [{"role": "system", "content": system}, {"role": "user", "content": "hello"}]
        return str(tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True))

    assert rendered(known) == "<|user|>hello<|end|><|assistant|>"
    assert rendered(other) == f"<|system|>{other}<|end|><|user|>hello<|end|><|assistant|>"


@needs_torch
def test_a_trained_model_plays_in_the_role_predict_and_all_it_says_is_counted(tiny: TinyModel, tmp_path: Path) -> None:
    options = {"learn": 0, "episodes": 1, "max_steps": 6, "rules": tiny.lived, "ask": "always"}
    model = f"transformers/{tiny.folder}"
    report = run(RunConfig.parse({**options, "environment": "alfworld", "model": model, "out": tmp_path / "run"}))
    use = report.llm.by_role["predict"]
    assert report.episodes == 1
    assert use.replies.questions == use.replies.first + use.replies.second + use.replies.unusable > 0
    assert use.calls >= use.replies.questions
    if has("xgrammar"):
        assert use.replies.first == use.replies.questions, "what holds it to the form makes every reply usable"


@needs_torch
@pytest.mark.skipif(not has("peft"), reason="peft is not installed")
def test_a_base_is_fine_tuned_by_adapters_and_saved_with_them_merged(tiny: TinyModel, tmp_path: Path) -> None:
    from agentwm.backends.transformers import SPEC  # noqa: PLC0415 -- an extra

    base = weights(tiny.folder)
    data = some_of(tiny.data, tmp_path / "d.jsonl", 32)
    report = trained(data, "tuned", "--base", tiny.folder, "--epochs", "2", "--learning-rate", "0.001", cwd=tmp_path)
    assert report["method"] == "LoRA"
    assert report["trained_parameters"] < report["parameters"] == tiny.report["parameters"]
    assert report["before"] is not None
    assert weights(tiny.folder) == base != weights(tmp_path / "tuned")
    backend = SPEC.make(BackendOptions(str(tmp_path / "tuned"), settings={"device": "cpu"}))
    [answer] = backend.generate([Request((Message("user", "hello"),), max_tokens=8)])
    assert isinstance(answer, Reply)


@needs_torch
def test_training_that_runs_out_of_time_says_so_and_saves_what_there_is(tiny: TinyModel, tmp_path: Path) -> None:
    done = agentwm_here("train", tiny.data, "--out", "m", *QUICK[:6], "--max-seconds", "0.001", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["steps"] < report["planned_steps"]
    assert (tmp_path / "m/model.safetensors").exists()
    assert not list(tmp_path.glob("*.unfinished"))


@needs_torch
def test_what_cannot_be_trained_is_said_and_nothing_is_written(tiny: TinyModel, tmp_path: Path) -> None:
    from agentwm.training.fitting import Schedule, chosen_device  # noqa: PLC0415 -- an extra
    from agentwm.training.network import Shape  # noqa: PLC0415 -- as above
    from agentwm.training.run import Training, train  # noqa: PLC0415 -- as above

    (tmp_path / "empty").mkdir()
    data = read_dataset(some_of(tiny.data, tmp_path / "d.jsonl", 8))
    out, schedule = tmp_path / "m", Schedule(1, 16, 1e-3)
    with pytest.raises(ConfigurationError, match="cannot load the base model"):
        train(data, Training(out, schedule, base=str(tmp_path / "empty")), source="d.jsonl")
    with pytest.raises(ConfigurationError, match="choose a larger --context"):
        train(data, Training(out, schedule, shape=Shape(1, 64, 64)), source="d.jsonl")
    with pytest.raises(ConfigurationError, match="a width that is a multiple of 64"):
        Shape(2, 100)
    with pytest.raises(ConfigurationError, match="there is no device 'abacus' here"):
        chosen_device("abacus")
    assert not out.exists()
