"""``rmz-acquire demo``: the whole loop on the simulated microscope."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

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
    Overwrite,
    Policy,
    Seed,
    SpecimenName,
    Strict,
    ZList,
    parse_z,
    positive,
)
from rmz_acquire.cli.running import estimator_for, run_and_print
from rmz_acquire.methods import METHODS

__all__ = ["demo"]

_Z = {"bottom_um": -15.0, "top_um": 15.0, "step_um": 0.5}
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
    policy: Policy = "bisect",
    epsilon: Epsilon = 0.05,
    first_planes: FirstPlanes = None,
    min_planes: MinPlanes = None,
    max_planes: MaxPlanes = None,
    z: ZList = None,
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
    with busy("reading"), flagged(FOLDER, PLAN):
        from rmz_acquire.recording import check_folder
        from rmz_acquire.scanning import ScanPlan

        check_folder(out, overwrite=overwrite)
        plan = ScanPlan.from_range(
            **_Z,
            policy=policy,
            epsilon=epsilon,
            first_planes=first_planes,
            min_planes=min_planes,
            max_planes=max_planes,
            z_exact_um=positions,
            seed=seed,
        )
    with busy("starting the microscope"):
        from rmz_acquire.acquisition import (
            close_core,
            load_simulated,
            open_core,
            optics_from_core,
            run_on_core,
        )
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
        group = core.getChannelGroup()
        optics = None
        if simulated or METHODS[estimator].optics:
            optics = optics_from_core(core)
        made = estimator_for(
            estimator, plan.z_um, optics, model=model, device=device, strict=strict
        )
        truth = None
        if simulated:
            with busy(f"computing the truth of the {specimen}, to compare with"):
                truth = simulated_camera(core).expected(plan.z_um)
        run_and_print(
            partial(run_on_core, core, exposure_ms=exposure_ms),
            plan,
            made,
            out,
            truth=truth,
            optics=optics,
            pixel_size_um=float(core.getPixelSizeUm()) or None,
            channel=core.getCurrentConfig(group) if group else None,
            overwrite=overwrite,
        )
    finally:
        close_core(core)
