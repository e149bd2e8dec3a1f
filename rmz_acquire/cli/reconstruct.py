"""``rmz-acquire reconstruct``: volumes once more, by another estimator or grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rmz_acquire.cli.archive import FLAGS, check_many, reconstruct_many
from rmz_acquire.cli.checks import check_estimator, check_optics
from rmz_acquire.cli.console import busy, console, share_bar, stderr, warn
from rmz_acquire.cli.flags import RANGE, STACK, flagged
from rmz_acquire.cli.open_names import (
    AnyEstimator,
    Plugins,
    allow_plugins,
    load_named,
)
from rmz_acquire.cli.optics_file import OpticsFile
from rmz_acquire.cli.option_groups import OpticsOptions, flattened
from rmz_acquire.cli.options import (
    Device,
    Model,
    Strict,
    ZStep,
    parse_z,
    positive,
)
from rmz_acquire.cli.result import predicted
from rmz_acquire.cli.running import model_for
from rmz_acquire.defaults import WORKER_WAIT_S
from rmz_acquire.errors import InputError
from rmz_acquire.plugins import ESTIMATOR

if TYPE_CHECKING:
    from rmz_acquire.experiments.archive_planes import Found, VolumeJob
    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.memory_plan import MemoryPlan

__all__ = ["reconstruct"]


@flattened
def reconstruct(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE...",
            help="Folder of a run, a stack of the planes taken, or a folder of runs.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="The volume to write, *.ome.tif; or a folder, for every volume of all "
            "sources.",
        ),
    ],
    told: OpticsOptions,
    estimator: AnyEstimator = None,
    model: Model = None,
    strict: Strict = False,
    device: Device = "auto",
    z: Annotated[
        str | None,
        typer.Option(
            "--z",
            metavar="Z,Z,...",
            help="Of a stack: z of each plane in it, µm, in their order. "
            "[default: as the file has it]",
        ),
    ] = None,
    bottom: Annotated[
        float | None,
        typer.Option("--bottom", help="Lowest output plane, µm. [default: the run's]"),
    ] = None,
    top: Annotated[
        float | None,
        typer.Option("--top", help="Highest output plane, µm. [default: the run's]"),
    ] = None,
    z_step: ZStep = None,
    time: Annotated[
        int | None,
        typer.Option(
            "--time", help="Of a run with several volumes: time point, from 0."
        ),
    ] = None,
    position: Annotated[
        int | None, typer.Option("--position", help="The same: position, from 0.")
    ] = None,
    field: Annotated[
        int | None, typer.Option("--field", help="The same: field of a grid, from 0.")
    ] = None,
    channel: Annotated[
        str | None, typer.Option("--channel", help="The same: name of the channel.")
    ] = None,
    optics_file: OpticsFile = None,
    plugins: Plugins = None,
    spread: Annotated[
        bool,
        typer.Option(
            "--spread",
            help="Also write how far the candidates differ at each voxel: "
            "VOLUME.spread.ome.tif.",
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file, or every volume.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            help="With a folder: processes at once. [default: one a GPU, or for two "
            "cores]",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            help="With a folder: a dask scheduler whose workers do it, tcp://host:8786.",
        ),
    ] = None,
    wait: Annotated[
        float,
        typer.Option(
            "--wait", help="How long --scheduler may be without any worker, s."
        ),
    ] = WORKER_WAIT_S,
) -> None:
    """Compute volumes from planes taken before, with any estimator and z grid.

    For a run, even one that was killed, z, grid, voxel size and optics are read from
    its files; if it has several volumes, options choose one. For a stack, they are read
    from the file as far as it has them. A file next to the volume says what it is made
    of: VOLUME.ome.tif.json.

    With a folder as --out, every volume of every source is made, by several processes.
    The same command continues where it was stopped: finished volumes are skipped.
    """
    one = out.name.endswith((".tif", ".tiff"))
    if not one and out.suffix and not out.is_dir():
        msg = f"--out {out}: the volume is a TIFF, name it *.ome.tif, or a folder"
        raise InputError(msg)
    if z_step is not None:
        positive(z_step, "--z-step")
    listed = parse_z(z)
    allow_plugins(plugins)
    if estimator is not None and estimator not in ESTIMATOR.ours:
        load_named(ESTIMATOR, estimator, "--estimator")
    estimator = check_estimator(estimator, model=model, device=device)
    which = {"t": time, "p": position, "g": field, "c": channel}
    ends = bottom, top, z_step
    asked = _Asked(told, estimator, model, device, strict, listed, ends, optics_file)
    asked.plugins = None if plugins is None else plugins.expanduser().resolve()
    asked.spread = spread
    if not one:
        if listed is not None:
            msg = "--z is for one stack: name its volume as --out, *.ome.tif"
            raise InputError(msg)
        check_many(out, workers, scheduler)
        reconstruct_many(
            sources,
            out,
            asked.job,
            pixel_size_um=told.pixel_size,
            which=which,
            overwrite=overwrite,
            workers=workers,
            scheduler=scheduler,
            wait_s=positive(wait, "--wait", " s"),
        )
        return
    if len(sources) > 1:
        msg = f"--out {out} is one volume: name a folder for those of several sources"
        raise InputError(msg)
    if workers is not None or scheduler is not None:
        msg = "--workers and --scheduler are for many volumes: name a folder as --out"
        raise InputError(msg)
    _one(asked, sources[0], out, which, overwrite=overwrite)


@dataclass(slots=True)
class _Asked:
    """How volumes are to be made."""

    told: OpticsOptions
    estimator: str
    model: str | None
    device: str
    strict: bool
    listed: tuple[float, ...] | None
    #: Bottom, top and step, µm.
    range_um: tuple[float | None, float | None, float | None]
    optics_file: Path | None = None
    plugins: Path | None = None
    spread: bool = False
    _said: set[str] = field(default_factory=set)
    _known: dict[Any, Optics | None] = field(default_factory=dict)

    def job(self, found: Found, out: Path) -> VolumeJob:
        """All that it takes, checked before anything is made."""
        from rmz_acquire.experiments.archive_planes import VolumeJob, grid_of
        from rmz_acquire.models import tells_spread

        optics = self._optics(found)
        with flagged(RANGE):
            grid = grid_of(found, *self.range_um)
        check_optics(self.estimator, optics)
        estimator, fitting, misfits = model_for(
            self.estimator, grid, optics, model=self.model, strict=self.strict
        )
        for line in misfits:
            self._warn(line)
        if self.spread and not tells_spread(estimator, fitting):
            msg = f"--spread: {estimator} has no candidates that could be apart: take "
            raise InputError(f"{msg}--estimator richardson-lucy, or leave it out")
        return VolumeJob(
            source=found.source,
            key=found.key,
            listed_z_um=self.listed,
            z_um=grid,
            optics=optics,
            pixel_size_um=found.pixel_size_um,
            channel=found.channel,
            estimator=estimator,
            model=fitting,
            device=self.device,
            out=out,
            plugins=self.plugins,
            spread=self.spread,
        )

    def _optics(self, found: Found) -> Optics | None:
        """Of a volume; what there is to say of them is said once."""
        given, before = found.pixel_size_um, found.pixel_before_um
        # optics have their own say on it
        if found.told is None and given and before and abs(given / before - 1) > 0.02:
            self._warn(
                f"--pixel-size is {given:g}, it was {before:.4g}: taking the former"
            )
        known = found.told, given
        if found.key is None or known not in self._known:
            optics = self.told.optics(
                found.told, pixel_size_um=given, file=self.optics_file
            )
            if found.key is None:
                return optics
            self._known[known] = optics
        return self._known[known]

    def _warn(self, line: str) -> None:
        if line not in self._said:
            warn(line)
        self._said.add(line)


def _one(
    asked: _Asked,
    source: Path,
    out: Path,
    which: dict[str, int | str | None],
    *,
    overwrite: bool,
) -> None:
    """Make one volume in this process, and say what it is made of."""
    _check_free((out, out.with_name(f"{out.name}.json")), overwrite=overwrite)
    with busy("reading"), flagged(FLAGS):
        from rmz_acquire.experiments.archive_planes import find

        names = {key: STACK[key] for key in ("z_um", "pixel_size_um")}
        found = find(source, asked.listed, asked.told.pixel_size, which, names)
    job = asked.job(_only(source, found, which), out)
    _check_free((job.spread_in,) if job.spread else (), overwrite=overwrite)
    with busy("loading"):
        from rmz_acquire.experiments.archive_volume import make_volume
    with flagged({"device ": "--device "}):
        with share_bar("volume") as how_far:
            made = make_volume(job, how_far, _say_memory)
    facts = predicted(made.told.candidates, made.told.z_scale)
    if job.spread:
        facts["spread"] = f"{job.spread_in}: counts"
    facts["files"] = (
        f"{out}: {len(job.z_um)} planes of {made.shape[1]} × {made.shape[2]} pixels "
        f"from {len(made.told.planes)}, by {made.name}; {job.told_in.name} tells how"
    )
    for label, said in facts.items():
        console.print(f"{label:8} {said}", markup=False, soft_wrap=True)


def _check_free(files: tuple[Path, ...], *, overwrite: bool) -> None:
    for file in files:
        if file.exists() and not overwrite:
            msg = f"{file} exists: choose another --out, or give --overwrite"
            raise InputError(msg)


def _only(
    source: Path, found: list[Found], which: dict[str, int | str | None]
) -> Found:
    """The only volume that the options leave."""
    if len(found) == 1:
        return found[0]
    if found:
        msg = f"{source} has {len(found)} volumes, {found[0].title} to "
        msg += f"{found[-1].title}: choose one with --time, --position, --field and "
        msg += "--channel, or name a folder as --out for all"
    elif any(value is not None for value in which.values()):
        msg = f"{source} has no such volume"
    else:
        msg = f"{source} holds no planes to make a volume of"
    raise InputError(msg)


def _say_memory(plan: MemoryPlan) -> None:
    if plan.large:
        stderr.print(f"memory   {plan.line}", markup=False, soft_wrap=True)
