"""``rmz-acquire finetune``: a model for one's own microscope from a few stacks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rmz_acquire.cli.checks import check_model
from rmz_acquire.cli.console import console
from rmz_acquire.cli.flags import flagged
from rmz_acquire.cli.option_groups import OpticsOptions, flattened
from rmz_acquire.cli.training import (
    StopWithInput,
    Threads,
    Workers,
    need_training,
    run_training,
)
from rmz_acquire.cli.training_bar import TrainingBar
from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from rmz_acquire.models import ModelCard

__all__ = ["CONFIG_FILE", "finetune"]

CONFIG_FILE = "finetune.yaml"
_FLAGS = {
    "another folder": "another --out",
    "your microscope's optics": "--na, --immersion, --wavelength and --pixel-size of "
    "your microscope",
}


@flattened
def finetune(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A name that `models` lists, a folder, or auto: the one for --na ….",
        ),
    ],
    stacks: Annotated[
        list[Path],
        typer.Argument(
            metavar="STACKS...",
            help="Folders of acquire-stacks, or TIFF, OME-TIFF and OME-Zarr files.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", help="Folder of the run; an interrupted run is resumed."),
    ],
    told: OpticsOptions,
    name: Annotated[
        str, typer.Option("--name", help="Name of the new model: a-z, 0-9 and hyphens.")
    ] = "mine",
    steps: Annotated[
        int,
        typer.Option(
            "--steps", min=1, help="Number of steps: about half a second each."
        ),
    ] = 1000,
    workers: Workers = 1,
    threads: Threads = None,
    stop_with_input: StopWithInput = False,
) -> None:
    """Fine-tune a model on dense stacks of your own, and say whether it is better.

    Needs three stacks or more; one place in five is held out for the evaluation. Optics
    are those of the model's card unless given. Saves its configuration, for `train`, in
    the folder. Stop it with Ctrl-C, continue with the same command.
    """
    need_training()
    if out.exists() and not out.is_dir():
        msg = f"--out {out} is a file: name a folder for the run"
        raise InputError(msg)
    optics = told.optics()
    if model != "auto":
        check_model(model, "MODEL")
    flags = {} if stop_with_input else _FLAGS
    bar = TrainingBar(out, steps, "reading the stacks")
    with bar.shown(wanted=not stop_with_input), flagged(flags):
        import yaml

        from rmz_acquire.atomic_io import replace_text
        from rmz_acquire.models import read_card
        from rmz_acquire.training.claiming import NotReleased, check_run
        from rmz_acquire.training.finetuning import finetuning_config, list_stacks
        from rmz_acquire.training.training_config import TrainingConfig

        config = finetuning_config(
            model, list_stacks(stacks), name=name, steps=steps, optics=optics
        )
        check_run(out, config)
    started = str(config.start_from)
    path = out / CONFIG_FILE
    if path.is_file():
        if TrainingConfig.from_yaml(path) != config:
            msg = f"{out} holds a run of another configuration: choose another --out"
            raise InputError(msg)
    else:
        out.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(
            config.model_dump(mode="json"), sort_keys=False, allow_unicode=True
        )
        replace_text(path, text)
    try:
        released = run_training(
            path,
            out,
            workers=workers,
            threads=threads,
            stop_with_input=stop_with_input,
            flags=flags,
            again=f"rmz-acquire train {path} --out {out}",
        )
    except NotReleased as refused:
        _say(read_card(refused.folder), started)
        raise
    if released is not None:
        _say(released.card, started)


def _say(card: ModelCard, model: str) -> None:
    from rmz_acquire.evaluation.verdict import verdict

    said = verdict(
        card.scores,
        card.network.kind,
        Path(model).name,
        released=not card.comparison,
    )
    console.print(f"{said.headline}. {said.text}", soft_wrap=True)
