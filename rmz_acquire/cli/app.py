"""The command ``rmz-acquire``: its commands, and how each of them ends.

Exit 0: done. 2: bad usage or input, one line on stderr, nothing written. 1: failed or
stopped on the way, one line that names what was kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Annotated

import typer
from rich.markup import escape

from rmz_acquire import __version__
from rmz_acquire.cli.acquire_stacks import acquire_stacks
from rmz_acquire.cli.bench import bench
from rmz_acquire.cli.calibrate import calibrate
from rmz_acquire.cli.calibrate_optics import calibrate_optics
from rmz_acquire.cli.check_stage import check_stage
from rmz_acquire.cli.console import set_up_logging, stderr
from rmz_acquire.cli.demo import demo
from rmz_acquire.cli.doctor import doctor
from rmz_acquire.cli.evaluate import evaluate
from rmz_acquire.cli.export import export
from rmz_acquire.cli.finetune import finetune
from rmz_acquire.cli.gui import gui
from rmz_acquire.cli.models import models
from rmz_acquire.cli.reconstruct import reconstruct
from rmz_acquire.cli.release import release
from rmz_acquire.cli.replay import replay
from rmz_acquire.cli.scan import scan
from rmz_acquire.cli.simulate import simulate
from rmz_acquire.cli.train import train
from rmz_acquire.errors import InputError, ScanFailed
from rmz_acquire.workers import note_exit_code

__all__ = ["app", "main"]

app = typer.Typer(
    name="rmz-acquire",
    help="Adaptive z-scans: a few planes become the whole stack, and the scan "
    "stops by itself.",
    epilog="Start with: rmz-acquire doctor, then rmz-acquire demo",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rmz-acquire {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show what the parts log.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version."
        ),
    ] = False,
) -> None:
    set_up_logging(verbose=verbose)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


for _name, _command, _example in (
    ("demo", demo, "rmz-acquire demo --specimen nuclei --out my-demo"),
    (
        "replay",
        replay,
        "rmz-acquire replay stack.tif --na 0.75 --immersion 1 --wavelength 0.52 "
        "--pixel-size 0.325 --z-step 0.5 --out run",
    ),
    ("gui", gui, "rmz-acquire gui --config simulated"),
    (
        "scan",
        scan,
        "rmz-acquire scan experiment.yaml --config scope.cfg --out night-1",
    ),
    ("export", export, "rmz-acquire export night-1 --out night-1-tiff"),
    (
        "simulate",
        simulate,
        "rmz-acquire simulate sim.ome.tif --specimen beads --seed 3",
    ),
    ("models", models, "rmz-acquire models"),
    ("train", train, "rmz-acquire train air-20x075 --out runs/first"),
    ("release", release, "rmz-acquire release runs/first --out models/mine"),
    (
        "finetune",
        finetune,
        "rmz-acquire finetune air-20x075 stacks --out runs/mine",
    ),
    (
        "acquire-stacks",
        acquire_stacks,
        "rmz-acquire acquire-stacks --range 20 --step 0.5 --out stacks",
    ),
    (
        "reconstruct",
        reconstruct,
        "rmz-acquire reconstruct my-run --estimator wiener --out wiener.ome.tif",
    ),
    ("bench", bench, "rmz-acquire bench --estimators wiener,linear --sizes 256"),
    ("evaluate", evaluate, "rmz-acquire evaluate --quick --only fig3 --out quick"),
    (
        "check-stage",
        check_stage,
        "rmz-acquire check-stage --config scope.cfg --range 10 --specimen above",
    ),
    (
        "calibrate-optics",
        calibrate_optics,
        "rmz-acquire calibrate-optics stack.tif --na 1.2 --immersion 1.33 "
        "--wavelength 0.46 --out optics.yaml",
    ),
    (
        "calibrate",
        calibrate,
        "rmz-acquire calibrate stacks/stacks.yaml --target-nrmse 0.25 --na 0.75 "
        "--immersion 1 --wavelength 0.52 --out stop.yaml",
    ),
    ("doctor", doctor, "rmz-acquire doctor"),
):
    app.command(_name, epilog=f"Example: {_example}")(_command)


# all signatures, once in a process
_read = cache(typer.main.get_command)


def main(args: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    args : sequence of str, optional
        Its words; by default those of the process.

    Returns
    -------
    int
        The exit code: 0 done, 1 failed on the way, 2 bad usage or input.
    """
    code = _run(args)
    note_exit_code(code)
    return code


def _run(args: Sequence[str] | None) -> int:
    try:
        code = _read(app).main(
            args=None if args is None else list(args),
            prog_name="rmz-acquire",
            standalone_mode=False,
        )
    except (InputError, typer.TyperException) as error:
        return _say(_message(error), 2)
    except ScanFailed as error:
        return _say(_message(error), 1)
    except OSError as error:
        return _say(_message(error), 1)
    except (KeyboardInterrupt, typer.Abort):
        return _say("stopped", 1)
    # typer turns ctrl-C into 130
    return _say("stopped", 1) if code == 130 else int(code or 0)


def _message(error: Exception) -> str:
    if isinstance(error, typer.TyperException):
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "rmz-acquire"
        # of a Literal, as pydantic says it and nobody typed it
        said = error.format_message().replace("Value error, ", "", 1)
        return f"{said.rstrip('.')} (see {path} --help)"
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


def _say(message: str, code: int) -> int:
    """Print one line on stderr, however wide it is, and give the code back."""
    line = escape(" ".join(message.split()))
    stderr.print(f"[bold red]error:[/] {line}", soft_wrap=True)
    return code
