"""Volumes made again of many runs: which there are, and which of them stand already."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import tifffile
from pydantic import ValidationError

from rmz_acquire.atomic_io import jsonable
from rmz_acquire.errors import InputError, message_of
from rmz_acquire.experiments.archive_planes import find
from rmz_acquire.methods import METHODS
from rmz_acquire.models import read_card
from rmz_acquire.recording import Remade, is_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rmz_acquire.experiments.archive_planes import Found, VolumeJob

__all__ = ["Archive", "Failure", "plan_archive", "remove_leftovers", "stands"]

_STACKS = (".tif", ".tiff", ".zarr")


@dataclass(frozen=True, slots=True)
class Failure:
    """A volume that was not made.

    Parameters
    ----------
    what : str
        The volume's file; the source, where that could not be read.
    reason : str
        Why, in one line.
    """

    what: str
    reason: str


@dataclass(slots=True)
class Archive:
    """What is to be done.

    Parameters
    ----------
    jobs : list of VolumeJob
        Volumes to be made.
    standing : int
        How many stand already, whole and made in the same way.
    failed : list of Failure
        Those that cannot be made.
    """

    jobs: list[VolumeJob] = field(default_factory=list)
    standing: int = 0
    failed: list[Failure] = field(default_factory=list)


def plan_archive(
    sources: Sequence[Path],
    out: Path,
    job_of: Callable[[Found, Path], VolumeJob],
    *,
    pixel_size_um: float | None = None,
    which: Mapping[str, int | str | None] | None = None,
    overwrite: bool = False,
) -> Archive:
    """List every volume of every source, and what of it is to be done.

    Parameters
    ----------
    sources : sequence of Path
        Runs, stacks, and folders that hold runs at any depth.
    out : Path
        Folder; a volume of run ``a/b`` goes to ``b/t0000-p0000.ome.tif`` in it.
    job_of : callable
        Makes a job of what was found and of its file; InputError where it cannot.
    pixel_size_um, which
        As for `rmz_acquire.experiments.archive_planes.find`.
    overwrite : bool
        Make also what stands.

    Returns
    -------
    Archive

    Raises
    ------
    InputError
        Where a source is nothing, two would write the same file, or a volume stands
        that was made otherwise.
    """
    archive = Archive()
    used: dict[Path, Path] = {}
    for source, folder in _each(sources):
        try:
            found = find(source, None, pixel_size_um, which)
        except (InputError, OSError) as error:
            archive.failed.append(Failure(str(source), message_of(error)))
            continue
        for each in found:
            file = out / folder / f"{each.name}.ome.tif"
            if each.key is None:
                file = out / folder.with_name(f"{folder.name}.ome.tif")
            if used.setdefault(file, source) != source:
                msg = f"{used[file]} and {source} would both be written to {file}: "
                raise InputError(f"{msg}rename one, or take them one after the other")
            try:
                job = job_of(each, file)
            except InputError as error:
                archive.failed.append(Failure(str(file), message_of(error)))
                continue
            if not overwrite and stands(job, each.z_taken_um):
                archive.standing += 1
            else:
                archive.jobs.append(job)
    return archive


def stands(job: VolumeJob, z_taken_um: Sequence[float]) -> bool:
    """Whether a volume is there, whole, of the same planes.

    Parameters
    ----------
    job : VolumeJob
        What would be made.
    z_taken_um : sequence of float
        The planes that there are now, µm.

    Raises
    ------
    InputError
        If it is there but was made otherwise.
    """
    try:
        text = job.told_in.read_text("utf-8")
        told = Remade.model_validate_json(text)
    except (OSError, UnicodeDecodeError, ValidationError):
        return False  # not begun, or cut off before it was all there
    other = [name for name, same in _compared(job, told) if not same]
    if other:
        msg = f"{job.out} was made with another {other[0]}: give overwrite=True, or "
        raise InputError(f"{msg}another folder")
    taken = [float(z) for z in z_taken_um]
    if job.spread and not _is_whole(job.spread_in, len(job.z_um)):
        return False
    return told.z_taken_um == taken and _is_whole(job.out, len(job.z_um))


def _compared(job: VolumeJob, told: Remade) -> Iterator[tuple[str, bool]]:
    yield "grid", told.z_um == [float(z) for z in job.z_um]
    if job.estimator in METHODS:  # somebody else's describes itself as it likes
        yield "estimator", told.estimator == job.estimator
        model = None if job.model is None else read_card(job.model).name
        yield "model", told.model == model
        if told.optics is not None and job.optics is not None:
            yield "optics", told.optics == jsonable(job.optics.model_dump())


def _is_whole(path: Path, planes: int) -> bool:
    """Whether all pixels of a TIFF are in it; it is not read."""
    try:
        size = path.stat().st_size
        with tifffile.TiffFile(path) as tiff:
            pages = list(tiff.pages)
            return len(pages) == planes and all(
                offset + count <= size and count > 0
                for page in pages
                for offset, count in zip(
                    page.dataoffsets, page.databytecounts, strict=True
                )
            )
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return False  # whatever a broken file makes of itself


def _each(sources: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """Runs and stacks, with the folder that each gets in the output."""
    for source in sources:
        if is_run(source) or not source.is_dir() or _is_stack(source):
            if not source.exists():
                msg = f"{source}: no such file or folder"
                raise InputError(msg)
            yield source, Path(_stem(source))
            continue
        inside = list(_runs(source))
        if not inside:
            msg = f"{source} holds no run: name folders of runs, or stacks"
            raise InputError(msg)
        for run in inside:
            yield run, run.relative_to(source)


def _runs(folder: Path) -> Iterator[Path]:
    """Runs in a folder at any depth, in order; in runs it is not looked."""
    for path, names, _ in os.walk(folder):
        names.sort()
        if is_run(Path(path)):
            names.clear()
            yield Path(path)
        names[:] = [name for name in names if not name.endswith(".zarr")]


def _is_stack(source: Path) -> bool:
    return any((source / name).is_file() for name in ("zarr.json", ".zattrs"))


def _stem(source: Path) -> str:
    """Name of a source without what says its kind."""
    name = source.resolve().name
    for ending in (*_STACKS, ".ome"):
        name = name.removesuffix(ending)
    return name


def remove_leftovers(job: VolumeJob) -> None:
    """Remove what a worker that was killed left half written beside a volume."""
    for out in (job.out, job.spread_in):
        for path in out.parent.glob(f".{out.name}*.tmp"):
            with contextlib.suppress(OSError):
                path.unlink()
