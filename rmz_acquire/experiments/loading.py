"""A run as it lies in its folder, opened to look at.

Nothing in the folder is changed, and no pixel is read before it is asked for.
"""

from __future__ import annotations

import struct
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rmz_acquire.errors import InputError, message_of
from rmz_acquire.recording.folder import PLANES, RUN, SUMMARY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rmz_acquire.experiments.loading_experiment import KeptExperiment
    from rmz_acquire.optics import Optics
    from rmz_acquire.recording import LazyArray, Summary

__all__ = ["FinishedRun", "LoadedRun", "load"]

T = TypeVar("T")

_DAMAGE = (AttributeError, LookupError, OSError, TypeError, ValueError, struct.error)
"""What libraries and ours raise on a file that is not what it should be."""


class LoadedRun:
    """What a run left, read-only; `load` gives it.

    Parameters
    ----------
    folder : Path
        Where it lies.
    """

    def __init__(self, folder: Path) -> None:
        #: Where it lies.
        self.folder = folder

    @cached_property
    def _kept(self) -> KeptExperiment:
        """Its reader; made when something is asked for that is in the files only."""
        return _or_one_line(self.folder, lambda: _kept(self.folder))

    @property
    def summary(self) -> Summary | None:
        """How it ended; None where it was cut off before its end, as by a kill."""
        return self._kept.summary

    @property
    def optics(self) -> Mapping[str, Optics]:
        """Optics by channel, "camera" where it has no name; empty where not needed.

        With the position behind it, where a channel has others there.
        """
        return self._kept.optics

    @property
    def decisions(self) -> list[dict[str, Any]]:
        """The lines of ``decisions.jsonl``, one a plane; unknown is None.

        Each has t, p, g and c of its volume, too; of a plane that was decided upon
        twice, the last. ``pandas.DataFrame(run.decisions)`` is a table of them.
        """
        return _or_one_line(self.folder, lambda: self._kept.decisions)

    @cached_property
    def planes(self) -> LazyArray:
        """Every plane taken, (plane, y, x) camera counts, in the order taken.

        Along ``plane``: ``index`` in its volume from 0, ``z_requested_um``,
        ``z_actual_um`` (read back), ``exposure_ms``, ``acquired`` (UTC), ``time``,
        ``position`` and ``channel``, and where it has them ``field`` and
        ``position_name``. The planes of one volume stand together. Channels go by
        their names, with the index behind it where two have the same. ``y`` and ``x``
        in µm from the first pixel, where the size of a pixel is known.

        Raises
        ------
        InputError
            If the files are damaged, or the pictures are of several sizes.
        """
        return _or_one_line(self.folder, self._kept.planes)

    @cached_property
    def volumes(self) -> LazyArray | None:
        """What was made of the planes, float32 camera counts; None where nothing was.

        (time, position, channel, z, y, x), with ``field`` after position where it has
        several, and NaN for a volume that was not made. ``z`` is in µm where all
        volumes have the same, otherwise ``z_um`` has it for each. Along ``z`` of each
        volume: ``measured``, whether a plane was taken there, ``nearest_um``, how far
        the nearest is, ``predicted_error`` and ``spread`` of the candidates, over the
        RMS of the light, as far as they are known. ``status`` says how
        the scan of each ended, "killed" where it did not, and nothing where it was not
        begun. ``made`` is False for one that is made later, of planes that are there:
        `resume` does it. A channel of single planes has no volumes.

        Raises
        ------
        InputError
            As for `planes`.
        """
        return _or_one_line(self.folder, self._kept.volumes)

    @cached_property
    def spread(self) -> LazyArray | None:
        """How far the candidates for the volumes are apart, float32 counts, or None.

        Laid out as ``volumes``: RMS distance from the volume, NaN where it was not
        kept. There is one where the block had ``spread: true``.

        Raises
        ------
        InputError
            As for `planes`.
        """
        return _or_one_line(self.folder, self._kept.spread)

    def __repr__(self) -> str:
        summary = self.summary
        said = "cut off before its end" if summary is None else summary.reason
        lines = [f"run in {self.folder}: {said}"]
        for name in ("planes", "volumes"):
            try:
                array = getattr(self, name)
            except InputError as error:
                lines.append(f"  {name:<10}{error}")
                continue
            if array is None:
                lines.append(f"  {name:<10}none")
                continue
            sizes = zip(array.dims, array.shape, strict=True)
            sized = ", ".join(f"{dim}: {n}" for dim, n in sizes)
            lines.append(f"  {name:<10}({sized}) {array.dtype}")
        later = 0 if summary is None else summary.volumes_to_render
        if later:
            lines.append(f"  of which  {later} not made yet, resume the run")
        lines.append(f"  decisions {len(self.decisions)}")
        for channel, optics in self.optics.items():
            lines.append(
                f"  optics    {channel}: NA {optics.na:g}, {optics.wavelength_um:g} µm"
            )
        return "\n".join(lines)


class FinishedRun(LoadedRun):
    """The same of a run that has just ended: `run` and `resume` give it.

    Parameters
    ----------
    folder : Path
        Where it lies.
    summary : Summary
        How it ended, also where the disk was too full to take that.
    """

    def __init__(self, folder: Path, summary: Summary) -> None:
        super().__init__(folder)
        self._summary = summary

    @property
    def summary(self) -> Summary:
        """How it ended."""
        return self._summary


def load(folder: Path | str) -> LoadedRun:
    """Open what a run left, of one volume or of many.

    It may have been cut off, or still go on: what is whole by now is there.

    Parameters
    ----------
    folder : path
        What ``out`` was. Nothing in it is changed.

    Returns
    -------
    LoadedRun
        With planes, volumes, decisions, summary and optics.

    Raises
    ------
    InputError
        If the folder holds no run, or what is in it is damaged.

    Examples
    --------
    >>> run = rmz_acquire.load("my-run")  # doctest: +SKIP
    >>> run.volumes[..., 0, 0]  # doctest: +SKIP
    """
    run = LoadedRun(Path(folder).expanduser())
    # what cannot be read is said now
    _ = run.optics
    return run


def _kept(path: Path) -> KeptExperiment:
    """Read a folder; torch is imported for nothing else."""
    if not path.is_dir():
        msg = f"{path} is no folder: give one that a run was written to"
        raise InputError(msg)
    if not any((path / name).exists() for name in (RUN, PLANES, SUMMARY)):
        msg = f"{path} holds no run: neither {RUN} nor {PLANES} is in it"
        raise InputError(msg)
    from rmz_acquire.experiments.loading_experiment import KeptExperiment

    return KeptExperiment(path)


def _or_one_line(folder: Path, read: Callable[[], T]) -> T:
    """Read, and say in one line what libraries say of damaged files."""
    try:
        return read()
    except InputError:
        raise
    except _DAMAGE as error:
        said = message_of(error, typed=True)[:200]
        if isinstance(error, KeyError):
            said = f"{error} is missing in one of its files"
        msg = f"{folder} cannot be read as a run: {said}"
        raise InputError(msg) from error
