"""A run as seen from the command line: its estimator, its progress, its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from rmz_acquire.cli.checks import check_estimator, check_optics
from rmz_acquire.cli.console import busy, stderr, warn
from rmz_acquire.cli.flags import FOLDER, flagged
from rmz_acquire.cli.open_names import load_named
from rmz_acquire.cli.result import print_summary
from rmz_acquire.errors import InputError, ScanFailed
from rmz_acquire.plugins import ESTIMATOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics
    from rmz_acquire.scanning import (
        Decision,
        Estimate,
        Estimator,
        Microscope,
        ScanPlan,
    )
    from rmz_acquire.session import Runner

__all__ = ["estimator_for", "run_and_print"]


def estimator_for(
    name: str,
    z_um: Sequence[float],
    optics: Optics | None,
    *,
    model: str | None,
    device: str,
    strict: bool,
) -> Estimator:
    """Make the estimator that was asked for, with its model if it has one.

    Says by how much the microscope is off what the model was trained for.

    Raises
    ------
    InputError
        If something is missing, or with `strict` where the model does not fit.
    """
    from rmz_acquire.methods import METHODS, method_of
    from rmz_acquire.models import instead_of, load_model, read_card, suitable_model

    check_estimator(name, model=model, device=device)
    check_optics(name, optics)
    if name not in METHODS:
        from rmz_acquire.scanning import own_estimator

        return own_estimator(load_named(ESTIMATOR, name, "--estimator"), z_um, optics)
    loaded = None
    if method_of(name).model and optics is not None:
        card = read_card(model or suitable_model(optics, z_um))
        misfits = card.check(optics, z_um)
        other = instead_of(card.name, optics, z_um) if misfits else ""
        for line in misfits:
            if strict:
                msg = f"{line}: {other}; without --strict it is used all the same"
                raise InputError(msg)
            warn(f"{line}: {other}" if line is misfits[-1] else line)
        with busy("loading"):
            _check_device(device)
            loaded = load_model(model or card.name)
    with busy("loading"):
        from rmz_acquire.reconstruction import make_estimator
    return make_estimator(name, z_um, optics, model=loaded, device=device)


def run_and_print(
    runner: Runner | Microscope,
    plan: ScanPlan,
    estimator: Estimator,
    folder: Path,
    *,
    truth: NDArray[Any] | None,
    truth_is: Literal["truth", "recorded stack"] = "truth",
    optics: Optics | None = None,
    pixel_size_um: float | None = None,
    channel: str | None = None,
    overwrite: bool = False,
) -> None:
    """Run one volume under a progress bar and print what it came to.

    Raises
    ------
    ScanFailed
        If the scan failed or was stopped; names the folder.
    """
    with busy("loading"):
        from rmz_acquire.session import run_volume

    most = len(plan.z_exact_um) if plan.z_exact_um is not None else plan.max_planes
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(30),
        TextColumn("{task.completed:.0f} planes"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
        console=stderr,
        transient=True,
        disable=not stderr.is_terminal,
    ) as progress:
        task = progress.add_task("scan", total=most, note="")

        def on_decision(decision: Decision, _estimate: Estimate | None) -> None:
            change = decision.delta_relative
            note = "" if change is None else f"change {change:.1%}"
            progress.update(task, advance=1, note=note)
            if decision.frame is not None:
                z_um = decision.z_requested_um
                warn(f"the plane at z {z_um:g} µm {decision.frame}")

        def on_step(step: str) -> None:
            progress.update(task, description=step, note="")

        try:
            with flagged(FOLDER):
                summary = run_volume(
                    runner,
                    plan,
                    estimator,
                    folder,
                    optics=optics,
                    pixel_size_um=pixel_size_um,
                    channel=channel,
                    truth=truth,
                    truth_is=truth_is,
                    overwrite=overwrite,
                    on_decision=on_decision,
                    on_step=on_step,
                )
        except KeyboardInterrupt:
            # the scan itself ends well on ctrl-C: this came while it was scored
            msg = f"stopped before its scores were there; the run is in {folder}"
            raise ScanFailed(msg) from None
    print_summary(summary, folder)
    if summary.stop_reason == "aborted":
        msg = f"stopped: {summary.reason}; what was taken is in {folder}"
        raise ScanFailed(msg)


def _check_device(device: str) -> None:
    import torch

    if device == "auto":
        return
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, ValueError) as error:
        first = str(error).splitlines()[0]
        msg = f"--device {device!r} cannot be used: {first}"
        raise InputError(msg) from error
