"""The commands that make a language model of one's own: ``agentwm export`` and ``agentwm train``."""
# ruff: noqa: PLC0415 -- a command imports what it needs when it runs, so that --help answers at once

import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from agentwm.cli_rules import console
from agentwm.errors import ConfigurationError, MissingExtraError, RunStoreError, quoted

if TYPE_CHECKING:
    from agentwm.records import RunStore
    from agentwm.rules.store import RuleStore
    from agentwm.training.export import Export, Format

__all__ = ["export", "train"]

LORA_RATE, SCRATCH_RATE = 2e-4, 2e-3


def export(
    path: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    *,
    form: Annotated[
        str, typer.Option("--format", help="sft (what came, as the answer to predict), preferences or transitions.")
    ] = "sft",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="A new file.  [default: stdout]")] = None,
    phase: Annotated[
        str, typer.Option(help="Which episodes: learn, play or all. Those played are usually of the test split.")
    ] = "learn",
    held_out: Annotated[
        float, typer.Option(min=0, max=0.9, help="The share of the tasks whose episodes are held out.")
    ] = 0.1,
) -> None:
    """Write what was lived in a run as training data, a JSON object a line, split by episode."""
    from agentwm import build
    from agentwm.training.export import FORMATS

    build.expect("format", form, FORMATS)
    build.expect("phase", phase, ("learn", "play", "all"))
    if out is not None and out.exists():
        raise ConfigurationError(f"expected a new file, but {out} exists: choose another --out")
    phases = ("learn", "play") if phase == "all" else (phase,)
    made = _exported(path, cast("Format", form), phases, held_out)
    if not made.rows:
        raise ConfigurationError(f"there is nothing to write: {_why_nothing(form, phase)} in {path}")
    if out is None:
        # Not in the encoding that a terminal happens to have, nor with its line ends: it may well go to a file.
        sys.stdout.buffer.write(made.text().encode())
        sys.stdout.flush()
    else:
        try:
            out.write_bytes(made.text().encode())
        except OSError as error:
            raise ConfigurationError(f"cannot write {out}: {error.strerror}") from error
    sys.stderr.write(f"{_told(made, form)}{'' if out is None else f', written to {out}'}\n")


def _exported(path: Path, form: "Format", phases: tuple[str, ...], held_out: float) -> "Export":
    from agentwm import build
    from agentwm.evaluation.evidence import vocabulary_of
    from agentwm.records import RunStore
    from agentwm.training.export import export as exported

    with RunStore.open(path) as records:
        name = records.config.get("environment")
        if not isinstance(name, str):
            raise RunStoreError(f"the run in {path} does not say of which environment it is")
        return exported(
            records,
            vocabulary_of(records, build.environment(name)),
            build.prompt("predict"),
            form,
            rules=_begun_with(records, form),
            phases=phases,
            held_out=held_out,
        )


def _begun_with(records: "RunStore", form: "Format") -> "RuleStore":
    """Return the rules that a run began with, as far as they matter in ``form``."""
    from agentwm.rules.store import RuleStore

    if (kept := records.begun_with) is None or form == "transitions":
        return RuleStore()
    return RuleStore.from_files(json.loads(kept), source=f"the run in {records.path}")


def _why_nothing(form: str, phase: str) -> str:
    what = "step was foretold wrongly" if form == "preferences" else "step was taken"
    return f"no {what} in the episodes of phase {phase}" if phase != "all" else f"no {what}"


def _told(made: "Export", form: str) -> str:
    counted = (
        f"{made.count('train')} of {made.episodes('train')} episodes to train on, "
        f"{made.count('held_out')} of {made.episodes('held_out')} episodes held out"
    )
    left_out = f"; {made.left_out} steps do not fit into an answer and are left out" if made.left_out else ""
    return f"{len(made.rows)} rows of {form}: {counted}{left_out}"


def train(  # noqa: PLR0913 -- one parameter per option is how typer works
    data: Annotated[Path, typer.Argument(metavar="DATA", help="What `agentwm export --format sft` wrote.")],
    *,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="A new folder for the model.")],
    base: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Fine-tune this model (a folder, or a name on the hub) by LoRA, not a new one."
        ),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the data.")] = 4,
    batch: Annotated[int, typer.Option(min=1, help="Conversations a step.")] = 8,
    learning_rate: Annotated[
        float | None, typer.Option(min=0, help=f"The highest rate.  [default: {SCRATCH_RATE}; with --base {LORA_RATE}]")
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option(min=0, help="Seconds after which no further step is begun.")
    ] = None,
    layers: Annotated[int, typer.Option(min=1, help="Of a new model.")] = 4,
    width: Annotated[int, typer.Option(min=64, help="Of a new model: a multiple of 64.")] = 192,
    vocabulary: Annotated[int, typer.Option(min=300, help="The most tokens that a new model has.")] = 2048,
    context: Annotated[int, typer.Option(min=256, help="The most tokens that a new model reads and writes.")] = 4096,
    bfloat16: Annotated[
        bool | None,
        typer.Option("--bfloat16/--float32", help="How it multiplies.  [default: bfloat16 on a GPU, else float32]"),
    ] = None,
    device: Annotated[str | None, typer.Option(help="Where.  [default: a GPU where there is one]")] = None,
    gguf: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a new model as GGUF, for llama.cpp.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the weights and the order.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as one JSON object and nothing else.")
    ] = False,
) -> None:
    """Train a language model on an export, and say how it does on what was held out. Needs the extra train."""
    from agentwm.training.dataset import read_dataset

    _expect_new(out, gguf, base)
    _expect_installed(needs_peft=base is not None, needs_gguf=gguf is not None)
    dataset = read_dataset(data)
    _quieten()

    from agentwm.training.fitting import Schedule, chosen_device
    from agentwm.training.network import Shape
    from agentwm.training.report import report_view
    from agentwm.training.run import Training
    from agentwm.training.run import train as trained

    place = chosen_device(device)
    usual_rate = SCRATCH_RATE if base is None else LORA_RATE
    rate = usual_rate if learning_rate is None else learning_rate
    is_half = place.startswith("cuda") if bfloat16 is None else bfloat16
    schedule = Schedule(epochs, batch, rate, seconds=max_seconds, is_half=is_half, seed=seed)
    shape = Shape(layers, width, context)
    report = trained(
        dataset,
        Training(out, schedule, base=base, shape=shape, vocabulary=vocabulary, device=place, gguf=gguf),
        source=str(data),
        progress=_tell,
    )
    if as_json:
        sys.stdout.write(report.model_dump_json(indent=2) + "\n")
        return
    console().print(report_view(report))
    console().print(f"saved in {out}; ask it with: agentwm run ENV --model transformers/{out}")


def _tell(step: int, planned: int, loss: float) -> None:
    """Say every tenth of the way how far it is."""
    if step % max(1, planned // 10) == 0:
        sys.stderr.write(f"training: {step} of {planned} steps, loss {loss:.3f}\n")


def _expect_new(out: Path, gguf: Path | None, base: str | None) -> None:
    if not out.name:
        raise ConfigurationError(f"expected the name of a new folder for the model, got {out}: choose another --out")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigurationError(
            f"expected a new folder for the model, but there is something in {out}: choose another --out"
        )
    if gguf is not None and base is not None:
        raise ConfigurationError(
            f"--gguf writes models trained from nothing, not one made of {quoted(base)}: convert the folder with "
            "llama.cpp's convert_hf_to_gguf.py"
        )
    if gguf is not None and gguf.exists():
        raise ConfigurationError(f"expected a new file, but {gguf} exists: choose another --gguf")
    if gguf is not None and not gguf.parent.is_dir():
        raise ConfigurationError(f"expected a folder for {gguf.name}, but {gguf.parent} is none: choose another --gguf")


def _quieten() -> None:
    """Keep transformers from drawing bars for what takes no time."""
    from transformers.utils import logging

    logging.disable_progress_bar()


def _expect_installed(*, needs_peft: bool, needs_gguf: bool) -> None:
    needed = ["torch", "transformers", *(["peft"] if needs_peft else []), *(["gguf"] if needs_gguf else [])]
    if missing := [each for each in needed if importlib.util.find_spec(each) is None]:
        raise MissingExtraError(
            f"agentwm train needs {' and '.join(missing)}, not installed here: pip install 'agentwm[train]'"
        )
