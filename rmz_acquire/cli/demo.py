"""``rmz-acquire demo``: the whole loop on the simulated microscope."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rmz_acquire.cli.checks import check_config, check_estimator
from rmz_acquire.cli.console import busy
from rmz_acquire.cli.flags import FOLDER, PLAN, flagged
from rmz_acquire.cli.options import (
    Device,
    Epsilon,
    EstimatorName,
    FirstPlanes,
    MaxPlanes,
    MinPlanes,
    Model,
    OverlapName,
    Overwrite,
    Policy,
    Seed,
    SpecimenName,
    Strict,
    ZList,
    parse_z,
    positive,
)
from rmz_acquire.cli.running import block_of, in_the_words_of_flags, run_and_print
from rmz_acquire.cli.target_options import Misfit
from rmz_acquire.defaults import EPSILON, POLICY

if TYPE_CHECKING:
    from pymmcore_plus import CMMCorePlus

__all__ = ["demo"]

_Z_UM = (-15.0, 15.0, 0.5)
"""Bottom, top and step."""
_ROI = (48, 48, 160, 160)
"""x, y, width, height on the sensor, pixels: a scan of well under a minute."""


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the run.")] = Path(
        "demo-run"
    ),
    config: Annotated[
        str,
        typer.Option(
            "--config",
            help="Another Micro-Manager configuration: a .cfg, or MMConfig_demo.",
        ),
    ] = "simulated",
    specimen: SpecimenName = "beads",
    seed: Seed = 1,
    estimator: EstimatorName = None,
    model: Model = None,
    strict: Strict = False,
    device: Device = "auto",
    exposure_ms: Annotated[
        float, typer.Option("--exposure", help="Exposure of every plane, ms.")
    ] = 20.0,
    policy: Policy = POLICY,
    epsilon: Epsilon = EPSILON,
    first_planes: FirstPlanes = None,
    min_planes: MinPlanes = None,
    max_planes: MaxPlanes = None,
    z: ZList = None,
    misfit: Misfit = None,
    overlap: OverlapName = None,
    overwrite: Overwrite = False,
) -> None:
    """Scan a simulated specimen through Micro-Manager, no hardware needed.

    20×/0.75 air, 520 nm, 0.325 µm pixels; 30 µm in steps of 0.5 µm, so a full stack
    has 61 planes. The specimen is larger than the picture on all sides. With another
    --config there is no truth to compare with.
    """
    positions = parse_z(z)
    positive(exposure_ms, "--exposure", " ms")
    check_config(config)
    estimator = check_estimator(estimator, model=model, device=device)
    options: dict[str, Any] = {
        "policy": policy,
        "epsilon": epsilon,
        "first_planes": first_planes,
        "min_planes": min_planes,
        "max_planes": max_planes,
        "seed": seed,
    }
    if misfit is not None:
        options["misfit"] = misfit
    with busy("reading"), flagged(FOLDER, PLAN):
        from rmz_acquire.recording import check_folder
        from rmz_acquire.scanning import ScanPlan

        check_folder(out, overwrite=overwrite)
        plan = ScanPlan.from_range(*_Z_UM, **options, z_exact_um=positions)
    with busy("starting the microscope"):
        import useq

        from rmz_acquire import experiments
        from rmz_acquire.acquisition import close_core, load_simulated, open_core
        from rmz_acquire.acquisition.preflight import check_exposure
        from rmz_acquire.simulation.camera import simulated_camera

        simulated = config == "simulated"
        core = (
            load_simulated(specimen=specimen, seed=seed, exposure_ms=exposure_ms)
            if simulated
            else open_core(config)
        )
        if simulated:
            core.setROI(*_ROI)
    try:
        truth = None
        if simulated:
            with busy(f"computing the truth of the {specimen}, to compare with"):
                truth = simulated_camera(core).expected(plan.z_um)
        elif camera := core.getCameraDevice():
            check_exposure(core, camera, exposure_ms)
            core.setExposure(exposure_ms)
        bottom, top, step = _Z_UM
        block = block_of(
            estimator=estimator,
            model=model,
            device=device,
            strict=strict,
            z_um=positions,
            overlap=overlap,
            **options,
        )
        sequence = useq.MDASequence(
            channels=_channels(core, exposure_ms),
            z_plan=useq.ZTopBottom(bottom=bottom, top=top, step=step),
            metadata={"rmz_acquire": block},
        )
        with in_the_words_of_flags():
            run_and_print(
                partial(
                    experiments.run,
                    core,
                    sequence,
                    out,
                    overwrite=overwrite,
                    config=config,
                    truth=truth,
                ),
                out,
                most=len(positions) if positions else plan.max_planes,
            )
    finally:
        close_core(core)


def _channels(core: CMMCorePlus, exposure_ms: float) -> list[dict[str, Any]]:
    """Give the channel that is in place, so that it is named; none without a group."""
    group = core.getChannelGroup()
    preset = core.getCurrentConfig(group) if group else ""
    if not preset:
        return []
    return [{"group": group, "config": preset, "exposure": exposure_ms}]
