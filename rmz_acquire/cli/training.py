"""What `train` and `finetune` share: from a configuration to what is printed."""

from __future__ import annotations

import _thread
import contextlib
import logging
import os
import signal
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rmz_acquire.cli.console import console
from rmz_acquire.cli.flags import flagged
from rmz_acquire.cli.training_bar import TrainingBar
from rmz_acquire.errors import InputError, ScanFailed
from rmz_acquire.installing import install_line, missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmz_acquire.models import LoadedModel

__all__ = [
    "StopWithInput",
    "Threads",
    "Workers",
    "need_training",
    "run_training",
]

Workers = Annotated[
    int, typer.Option("--workers", min=0, help="Processes that load and simulate.")
]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, help="Threads of torch.")
]
StopWithInput = Annotated[
    bool,
    typer.Option(
        "--stop-with-input",
        help="Stop as with ctrl-C when the standard input ends: for a program that "
        "starts this one. Shows no bar; progress.jsonl in the folder tells.",
    ),
]


def need_training() -> None:
    """Say what to install where training cannot run."""
    gone = missing("train")
    if gone:
        msg = f"training needs {', '.join(gone)}: {install_line('train')}"
        raise InputError(msg)


def run_training(
    config: Path,
    out: Path,
    *,
    workers: int,
    threads: int | None,
    finetune: str | None = None,
    min_gain_db: float | None = None,
    devices: int | None = None,
    stop_with_input: bool = False,
    flags: Mapping[str, str],
    again: str,
) -> LoadedModel | None:
    """Train, release, and say where the model is.

    Parameters
    ----------
    config : Path
        The file.
    out : Path
        Folder of the run.
    workers, threads, finetune, min_gain_db, devices
        As for `rmz_acquire.training.train`.
    stop_with_input : bool
        Whether the end of the standard input stops it.
    flags : mapping
        Flag of the command by argument, for messages.
    again : str
        The command that goes on where it was stopped.

    Returns
    -------
    LoadedModel or None
        None where this is not the first of several processes.

    Raises
    ------
    ScanFailed
        Where it was stopped; tells how to go on.
    """
    from rmz_acquire.training.claiming import check_run
    from rmz_acquire.training.training_config import TrainingConfig

    told = TrainingConfig.from_yaml(config)
    if finetune is not None:
        told = told.model_copy(update={"start_from": finetune})
    if devices is not None:
        told = told.on_devices(devices)
    with flagged(flags):
        check_run(out, told)
    bar = TrainingBar(out, told.optimiser.steps)
    warnings.filterwarnings("ignore", "Using ModelCheckpoint with manual optimization")
    # where it learns on several devices, the others are started by the first
    first = os.environ.get("LOCAL_RANK", "0") == "0"
    try:
        if stop_with_input:
            # a shell may have had ctrl-C ignored by what it starts in the background
            signal.signal(signal.SIGINT, signal.default_int_handler)
            threading.Thread(target=_stop_at_end, name="input", daemon=True).start()
        with bar.shown(wanted=first and not stop_with_input), flagged(flags):
            from rmz_acquire.training import train

            # which it sets itself; its tips are not about this training
            logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
            model = train(
                config,
                out,
                workers=workers,
                threads=threads,
                on_progress=bar.tell if first else None,
                finetune=finetune,
                min_gain_db=min_gain_db,
                devices=devices,
            )
    except (KeyboardInterrupt, SystemExit) as error:
        msg = f"stopped; go on with: {again}"
        raise ScanFailed(msg) from error
    if model is None:
        return None
    folder = out / model.card.name
    console.print(f"model  {folder}", soft_wrap=True)
    console.print(f"try    rmz-acquire models {folder}", soft_wrap=True)
    return model


def _stop_at_end() -> None:
    """Wait until whoever started this process closes its input, or is gone."""
    # not through sys.stdin: a lock held in there is held for ever in a forked loader
    with contextlib.suppress(OSError):
        while os.read(0, 1):
            pass
    if os.name == "posix":
        # wakes what waits in the system, too
        os.kill(os.getpid(), signal.SIGINT)
    else:  # pragma: no cover
        _thread.interrupt_main()
