"""``rmz-acquire replay``: a scan over a recorded stack in the specimen's place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rmz_acquire.cli.checks import check_estimator, check_optics
from rmz_acquire.cli.console import busy, warn
from rmz_acquire.cli.flags import FOLDER, PLAN, flagged
from rmz_acquire.cli.options import (
    NA,
    Device,
    Epsilon,
    EstimatorName,
    FirstPlanes,
    Immersion,
    MaxPlanes,
    MinPlanes,
    Model,
    Overwrite,
    PixelSize,
    Policy,
    SampleIndex,
    Seed,
    Strict,
    Wavelength,
    ZList,
    ZStep,
    optics_from,
    parse_z,
    positive,
)
from rmz_acquire.cli.running import estimator_for, run_and_print
from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rmz_acquire.stacks import Stack

__all__ = ["replay"]


def replay(
    stack_path: Annotated[
        Path,
        typer.Argument(metavar="STACK", help="A TIFF, OME-TIFF or OME-Zarr z-stack."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the run.")],
    pixel_size: PixelSize = None,
    z_step: ZStep = None,
    na: NA = None,
    immersion: Immersion = None,
    wavelength: Wavelength = None,
    sample_index: SampleIndex = None,
    estimator: EstimatorName = "recurrent-mz",
    model: Model = None,
    strict: Strict = False,
    device: Device = "auto",
    policy: Policy = "bisect",
    epsilon: Epsilon = 0.05,
    first_planes: FirstPlanes = None,
    min_planes: MinPlanes = None,
    max_planes: MaxPlanes = None,
    z: ZList = None,
    seed: Seed = 0,
    truth: Annotated[
        Path | None,
        typer.Option("--truth", help="Score against this stack, not STACK itself."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Scan a recorded stack as if it were the specimen, and score the volume.

    Plane i lies at i times the z step. Pixel size and z step are read from the file
    where it has them. The estimators linear and nearest need no optics.
    """
    optics_given = {"na": na, "immersion": immersion, "wavelength_um": wavelength}
    positions = parse_z(z)
    for value, option in ((z_step, "--z-step"), (pixel_size, "--pixel-size")):
        if value is not None:
            positive(value, option)
    check_estimator(estimator, model=model, device=device)
    with busy("reading"), flagged(FOLDER):
        from rmz_acquire.recording import check_folder
        from rmz_acquire.scanning import ScanPlan
        from rmz_acquire.simulation.recorded import RecordedMicroscope
        from rmz_acquire.stacks import read_stack

        check_folder(out, overwrite=overwrite)
        stack = read_stack(stack_path)
    step = _size(z_step, stack.z_step_um, "--z-step")
    if step is None:
        msg = f"{stack_path} does not tell the distance of its planes: give --z-step"
        raise InputError(msg)
    pixel = _size(pixel_size, stack.pixel_size_um, "--pixel-size")
    optics = optics_from(**optics_given, pixel_size_um=pixel, sample_index=sample_index)
    check_optics(estimator, optics)
    with flagged(PLAN):
        plan = ScanPlan.from_grid(
            [round(i * step, 9) for i in range(len(stack.data))],
            policy=policy,
            epsilon=epsilon,
            first_planes=first_planes,
            min_planes=min_planes,
            max_planes=max_planes,
            z_exact_um=positions,
            seed=seed,
        )
    reference = stack.data if truth is None else _truth(truth, stack)
    run_and_print(
        RecordedMicroscope(stack.data, plan.z_um),
        plan,
        estimator_for(
            estimator, plan.z_um, optics, model=model, device=device, strict=strict
        ),
        out,
        truth=reference,
        optics=optics,
        pixel_size_um=pixel,
        overwrite=overwrite,
    )


def _size(given: float | None, told: float | None, option: str) -> float | None:
    """Take what was given over what the file tells, and say where they differ."""
    if given is None:
        return told
    if told is not None and abs(given / told - 1) > 0.02:
        warn(f"{option} is {given:g} µm, the file says {told:.4g} µm: taking {given:g}")
    return given


def _truth(path: Path, stack: Stack) -> NDArray[Any]:
    from rmz_acquire.stacks import read_stack

    try:
        truth = read_stack(path).data
    except InputError as error:
        raise InputError(f"--truth {error}") from error
    if truth.shape != stack.data.shape:
        msg = (
            f"--truth {path}: {_by(truth.shape)} does not fit the stack of "
            f"{_by(stack.data.shape)}"
        )
        raise InputError(msg)
    return truth


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(str(n) for n in shape)
