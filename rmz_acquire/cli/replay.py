"""``rmz-acquire replay``: a scan over a recorded stack in the specimen's place."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rmz_acquire.cli.checks import check_estimator, check_optics
from rmz_acquire.cli.console import busy, warn
from rmz_acquire.cli.flags import FOLDER, PLAN, flagged
from rmz_acquire.cli.open_names import (
    AnyEstimator,
    AnyPolicy,
    AnyStopRule,
    Plugins,
    allow_plugins,
    load_named,
)
from rmz_acquire.cli.optics_file import OpticsFile
from rmz_acquire.cli.option_groups import StackOptions, flattened
from rmz_acquire.cli.options import (
    Audit,
    Device,
    Epsilon,
    FirstPlanes,
    MaxLight,
    MaxPlanes,
    MaxSeconds,
    MinPlanes,
    Model,
    Overwrite,
    Patience,
    Seed,
    Strict,
    Tau,
    ZList,
    parse_z,
)
from rmz_acquire.cli.region_options import Regions, Volumes, parse_regions
from rmz_acquire.cli.running import (
    block_of,
    in_the_words_of_flags,
    model_for,
    run_and_print,
)
from rmz_acquire.cli.target_options import (
    CalibrationFile,
    Confidence,
    Misfit,
    TargetNrmse,
)
from rmz_acquire.defaults import EPSILON
from rmz_acquire.defaults import POLICY as DEFAULT_POLICY
from rmz_acquire.errors import InputError
from rmz_acquire.plugins import ESTIMATOR, POLICY, STOP_RULE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rmz_acquire.stacks import Given, Stack

__all__ = ["replay"]


@flattened
def replay(
    stack_path: Annotated[
        Path,
        typer.Argument(metavar="STACK", help="A TIFF, OME-TIFF or OME-Zarr z-stack."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the run.")],
    told: StackOptions,
    optics_file: OpticsFile = None,
    estimator: AnyEstimator = None,
    model: Model = None,
    strict: Strict = False,
    device: Device = "auto",
    policy: AnyPolicy = DEFAULT_POLICY,
    stop_rule: AnyStopRule = None,
    epsilon: Epsilon = None,
    target_nrmse: TargetNrmse = None,
    confidence: Confidence = None,
    calibration: CalibrationFile = None,
    tau: Tau = None,
    audit: Audit = None,
    patience: Patience = None,
    first_planes: FirstPlanes = None,
    min_planes: MinPlanes = None,
    max_planes: MaxPlanes = None,
    max_light_ms: MaxLight = None,
    max_seconds: MaxSeconds = None,
    misfit: Misfit = None,
    z: ZList = None,
    regions: Regions = None,
    volumes: Volumes = None,
    seed: Seed = 0,
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth", help="Compare with this stack instead of STACK itself."
        ),
    ] = None,
    plugins: Plugins = None,
    overwrite: Overwrite = False,
) -> None:
    """Scan a recorded stack as if it were the specimen, and score the volume.

    z is measured from the lowest plane. Pixel size, z and optics are read from the
    file if it has them; options take precedence. The estimators linear and nearest
    need no optics.
    """
    positions, rectangles = parse_z(z), parse_regions(regions)
    allow_plugins(plugins)
    named = ((ESTIMATOR, estimator), (POLICY, policy), (STOP_RULE, stop_rule))
    for kind, name in named:
        if name is not None and name not in kind.ours:
            load_named(kind, name, f"--{kind.title.replace(' ', '-')}")
    estimator = check_estimator(estimator, model=model, device=device)
    with busy("reading"), flagged(FOLDER):
        import useq

        from rmz_acquire import experiments
        from rmz_acquire.recording import check_folder
        from rmz_acquire.scanning import ScanPlan
        from rmz_acquire.simulation.recorded import RecordedMicroscope
        from rmz_acquire.stacks import read_stack

        check_folder(out, overwrite=overwrite)
        stack = read_stack(stack_path, told.given)
    pixel = stack.pixel_size_um
    optics = told.optics(stack, pixel_size_um=pixel, file=optics_file)
    if pixel is None and optics is not None:
        pixel = optics.pixel_size_um
    check_optics(estimator, optics)
    options: dict[str, Any] = {
        "policy": policy,
        "stop_rule": stop_rule,
        "first_planes": first_planes,
        "min_planes": min_planes,
        "max_planes": max_planes,
        "target_nrmse": target_nrmse,
        "confidence": confidence,
        "calibration": None if calibration is None else str(calibration),
        "tau": tau,
        "audit": audit,
        "max_light_ms": max_light_ms,
        "max_seconds": max_seconds,
        "seed": seed,
    }
    if epsilon is None and calibration is None:
        epsilon = EPSILON  # noted with the run, whatever later versions take
    rest = {"epsilon": epsilon, "patience": patience, "misfit": misfit}
    options |= {key: value for key, value in rest.items() if value is not None}
    with flagged(PLAN):
        plan = ScanPlan.from_grid(_grid(stack), **options, z_exact_um=positions)
    if strict:  # so as not to load torch first
        model_for(estimator, plan.z_um, optics, model=model, strict=True)
    microscope = RecordedMicroscope(
        stack.data,
        plan.z_um,
        pixel_size_um=pixel,
        source={"path": str(stack_path.resolve()), "z_axis": told.z_axis},
    )
    block = block_of(
        optics,
        estimator=estimator,
        model=model,
        device=device,
        strict=strict,
        z_um=positions,
        regions=rectangles,
        volumes=volumes,
        **options,
    )
    sequence = useq.MDASequence(
        channels=[{"config": stack.channel}] if stack.channel else [],
        z_plan={"absolute": list(plan.z_um)},
        metadata={"rmz_acquire": block},
    )
    against = experiments.Truth(
        stack.data if truth is None else _truth(truth, stack, told.given),
        # what the camera gave has its noise: no truth
        "recorded stack" if truth is None else "truth",
        path=None if truth is None else str(truth.resolve()),
    )
    with in_the_words_of_flags():
        run_and_print(
            partial(
                experiments.run,
                microscope,
                sequence,
                out,
                overwrite=overwrite,
                truth=against,
            ),
            out,
            most=len(positions) if positions else plan.max_planes,
        )


def _grid(stack: Stack) -> list[float]:
    """Where the planes are, µm, from the lowest."""
    if stack.z_um is not None and stack.z_step_um is None:
        return [round(z - stack.z_um[0], 9) for z in stack.z_um]
    step = stack.need_step("give --z-step")
    return [round(i * step, 9) for i in range(len(stack.data))]


def _truth(path: Path, stack: Stack, given: Given) -> NDArray[Any]:
    from rmz_acquire.stacks import read_stack

    try:
        truth = read_stack(path, given)
    except InputError as error:
        raise InputError(f"--truth {error}") from error
    if truth.data.shape != stack.data.shape:
        msg = (
            f"--truth {path}: {_by(truth.data.shape)} does not fit the stack of "
            f"{_by(stack.data.shape)}"
        )
        raise InputError(msg)
    if truth.order != stack.order:
        warn(f"the planes of {path} are in another order than those of {stack.path}")
    return truth.data


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(str(n) for n in shape)
