"""``rmz-acquire calibrate``: the threshold at which a stop keeps a stated error."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from rmz_acquire.cli.checks import check_estimator, check_optics, check_yaml
from rmz_acquire.cli.console import busy, console, stderr, warn
from rmz_acquire.cli.flags import PLAN, flagged
from rmz_acquire.cli.optics_file import OpticsFile
from rmz_acquire.cli.option_groups import StackOptions, flattened
from rmz_acquire.cli.options import (
    Device,
    EstimatorName,
    FirstPlanes,
    MaxPlanes,
    MinPlanes,
    Model,
    Overwrite,
    Policy,
    Seed,
    positive,
)
from rmz_acquire.cli.region_options import Regions, parse_regions
from rmz_acquire.cli.running import block_of, in_the_words_of_flags
from rmz_acquire.defaults import POLICY as DEFAULT_POLICY
from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmz_acquire.evaluation.calibrating import DenseStack
    from rmz_acquire.optics import Optics
    from rmz_acquire.scanning import StopCalibration
    from rmz_acquire.stacks import Given, Stack
    from rmz_acquire.training.files_config import StackFile

__all__ = ["calibrate"]

_SIMULATION = "Simulation"
_FLAGS = {"stacks": "STACKS", "estimator": "--estimator"}


@flattened
def calibrate(
    out: Annotated[Path, typer.Option("--out", help="YAML file for the calibration.")],
    target_nrmse: Annotated[
        float,
        typer.Option(
            "--target-nrmse",
            help="RMS error over the standard deviation of the truth, at planes that "
            "are not taken.",
        ),
    ],
    told: StackOptions,
    stacks: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="STACKS...",
            help="Dense stacks, or a stacks.yaml that `acquire-stacks` wrote.",
            show_default=False,
        ),
    ] = None,
    alpha: Annotated[
        float,
        typer.Option("--alpha", help="Share of volumes that may be above the target."),
    ] = 0.1,
    confidence: Annotated[
        float, typer.Option("--confidence", help="That it is no larger share.")
    ] = 0.9,
    simulate: Annotated[
        int | None,
        typer.Option(
            "--simulate",
            min=1,
            help="Simulate so many specimens of each family, without STACKS.",
            rich_help_panel=_SIMULATION,
        ),
    ] = None,
    families: Annotated[
        str | None,
        typer.Option(
            "--families",
            metavar="NAME,...",
            help="Such as beads,nuclei; by default all.",
            rich_help_panel=_SIMULATION,
        ),
    ] = None,
    planes: Annotated[
        int,
        typer.Option(
            "--planes", min=2, help="Of a stack.", rich_help_panel=_SIMULATION
        ),
    ] = 25,
    size: Annotated[
        int,
        typer.Option(
            "--size",
            min=32,
            max=2048,
            help="Width and height, pixels.",
            rich_help_panel=_SIMULATION,
        ),
    ] = 96,
    exposure_ms: Annotated[
        float,
        typer.Option(
            "--exposure", help="Of every plane, ms.", rich_help_panel=_SIMULATION
        ),
    ] = 300.0,
    optics_file: OpticsFile = None,
    estimator: EstimatorName = None,
    model: Model = None,
    device: Device = "auto",
    policy: Policy = DEFAULT_POLICY,
    first_planes: FirstPlanes = None,
    min_planes: MinPlanes = None,
    max_planes: MaxPlanes = None,
    regions: Regions = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
) -> None:
    """Find the threshold of the stop rule target on dense stacks.

    Each stack is scanned once. Thresholds are then tested on these scans in a fixed
    sequence of exact tests, starting with the strictest. The result: for specimens like
    these, at most a share alpha of the volumes has an NRMSE above the target, with the
    stated confidence. Specimens count, not stacks: of several stacks of one specimen,
    the worst counts. `scan --calibration` uses the file, and refuses one that does not
    fit.

    Above 256 × 256 pixels tiles decide, as in a scan (--regions). The NRMSE is that of
    whole volumes all the same, which are computed for the numbers of planes that
    matter: a few volumes of each specimen.
    """
    check_yaml(out, overwrite=overwrite)
    rectangles = parse_regions(regions)
    if bool(stacks) == (simulate is not None):
        raise InputError("give STACKS, or --simulate with a number of specimens")
    with busy("reading"):
        import useq

        from rmz_acquire.evaluation import calibrating
        from rmz_acquire.stacks import read_stack

        promise = {"alpha": alpha, "confidence": confidence}
        with flagged(PLAN, _FLAGS):
            calibrating.check_promise(target_nrmse, **promise)
    if simulate is None:
        files = _files(stacks or [])
        specimens = len({entry.specimen or entry.path.stem for entry in files})
        with flagged(PLAN, _FLAGS):
            calibrating.check_enough(specimens, **promise)
        first = read_stack(files[0].path, told.given)
        step = first.need_step("give --z-step")
        grid = tuple(round(i * step, 9) for i in range(len(first.data)))
        shape = first.data.shape[1], first.data.shape[2]
        optics = told.optics(first, pixel_size_um=first.pixel_size_um, file=optics_file)
        every = _of_files(files, told.given, first)
        sources = [str(entry.path) for entry in files]
    else:
        kinds = _families(families)
        with flagged(PLAN, _FLAGS):
            specimens = simulate * len(kinds)
            calibrating.check_enough(specimens, **promise)
        from rmz_acquire.evaluation.specimen_families import grid_of

        positive(exposure_ms, "--exposure", " ms")
        if told.z_step is None:
            raise InputError("--z-step is missing")
        grid, shape = grid_of(planes, told.z_step), (size, size)
        optics = told.optics(file=optics_file)
        if optics is None:
            raise InputError("the optics are missing: give --na, --immersion and more")
        every = _simulated(kinds, simulate, seed, optics, grid, size, exposure_ms)
        sources = [
            f"simulated {kind}: seeds {seed} to {seed + simulate - 1}, "
            f"{exposure_ms:g} ms"
            for kind in kinds
        ]
    estimator = check_estimator(estimator, model=model, device=device)
    check_optics(estimator, optics)
    block = block_of(
        optics,
        estimator=estimator,
        model=model,
        device=device,
        strict=False,
        policy=policy,
        first_planes=first_planes,
        min_planes=min_planes,
        max_planes=max_planes,
        audit=0.0,
        regions=rectangles,
        seed=seed,
    )
    with busy("loading"), in_the_words_of_flags():
        from rmz_acquire.experiments.calibration_scans import CalibrationScans

        sequence = useq.MDASequence(
            z_plan={"absolute": list(grid)}, metadata={"rmz_acquire": block}
        )
        scans = CalibrationScans(sequence, shape)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    hidden = not stderr.is_terminal
    shown = Progress(*columns, console=stderr, transient=True, disable=hidden)
    with shown as progress, flagged(PLAN, _FLAGS):
        task = progress.add_task("", total=None)
        card = calibrating.calibrate(
            every,
            scans.plan,
            scans.make,
            scans.conditions,
            target_nrmse,
            **promise,
            sources=sources,
            specimens=specimens,
            whole=scans.whole if scans.on_regions else None,
            on_step=lambda name: progress.update(task, description=f"scanning {name}"),
        )
    card.write(out)
    _tell(card, out)


def _tell(card: StopCalibration, out: Path) -> None:
    """Print what was found."""
    share = card.mean_planes / card.planes_full_scan
    facts = {
        "promise": f"NRMSE above {card.target_nrmse:g} in at most {card.alpha:.0%} of "
        f"volumes like these, with confidence {card.confidence:.0%}",
        "threshold": f"{card.score} {card.threshold:.3g}",
        "specimens": f"{card.n}, {card.failures} of them above the target",
        "planes": f"{card.mean_planes:.1f} of {card.planes_full_scan} on average "
        f"({share:.0%})",
        "file": str(out),
    }
    for name, said in facts.items():
        console.print(f"{name:9}  {said}", soft_wrap=True, markup=False)
    if share > _NOTHING_SAVED:
        warn("hardly a scan stops before the full stack: the target is near its limit")


_NOTHING_SAVED = 0.95


def _families(text: str | None) -> list[str]:
    from rmz_acquire.evaluation.specimen_families import FAMILIES

    if text is None:
        return list(FAMILIES)
    kinds = list(dict.fromkeys(n.strip() for n in text.split(",") if n.strip()))
    for kind in kinds:
        if kind not in FAMILIES:
            msg = f"--families {kind}: choose from {', '.join(FAMILIES)}"
            raise InputError(msg)
    if not kinds:
        raise InputError("--families: name one or more")
    return kinds


def _simulated(
    kinds: list[str],
    number: int,
    seed: int,
    optics: Optics,
    z_um: tuple[float, ...],
    side_px: int,
    exposure_ms: float,
) -> Iterator[DenseStack]:
    """Make the stacks one by one; their truth has no noise."""
    from rmz_acquire.evaluation.calibrating import DenseStack
    from rmz_acquire.evaluation.specimen_families import simulate_family

    for n in range(seed, seed + number):
        for kind in kinds:
            made = simulate_family(
                kind, n, optics, z_um, side_px=side_px, exposure_ms=exposure_ms
            )
            yield DenseStack(f"{kind} {n}", kind, made.counts, made.truth)


def _files(paths: list[Path]) -> list[StackFile]:
    """Take lists of stacks apart; a file that is none is a stack."""
    from rmz_acquire.settings_file import read_settings
    from rmz_acquire.training.files_config import StackFile, StackList

    found = []
    for path in paths:
        if path.suffix not in {".yaml", ".yml"}:
            found.append(StackFile(path=path))
            continue
        for entry in read_settings(path, StackList).stacks:
            found.append(entry.model_copy(update={"path": path.parent / entry.path}))
    return found


def _of_files(
    files: list[StackFile], given: Given, first: Stack
) -> Iterator[DenseStack]:
    """Read the stacks one by one; what the camera gave is all the truth there is."""
    from rmz_acquire.evaluation.calibrating import DenseStack
    from rmz_acquire.stacks import read_stack

    for number, entry in enumerate(files):
        stack = first if number == 0 else read_stack(entry.path, given)
        step, wanted = stack.need_step("give --z-step"), first.z_step_um or 0.0
        alike = stack.data.shape == first.data.shape and abs(step - wanted) < 1e-6
        if not alike:
            msg = (
                f"{entry.path}: {stack.data.shape} planes and pixels in steps of "
                f"{step:g} µm, {files[0].path} has {first.data.shape} in steps of "
                f"{wanted:g} µm: calibrate on stacks of one kind"
            )
            raise InputError(msg)
        name = entry.specimen or entry.path.stem
        yield DenseStack(name, "recorded", stack.data, stack.data)
