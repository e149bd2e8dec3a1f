"""Dense stacks at a list of positions: what a model is trained on.

Each stack is a scan that takes every plane of its grid, so that light, stage and
settings are treated as in any scan.
"""

from __future__ import annotations

import json
import logging
import math
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import useq

from rmz_acquire.acquisition.focus_lock import FocusLock
from rmz_acquire.acquisition.focus_stage import position_um
from rmz_acquire.acquisition.image_format import image_channel
from rmz_acquire.acquisition.preflight import (
    check_channel,
    check_duration,
    check_free,
    check_stage,
)
from rmz_acquire.acquisition.scan_on_microscope import run_on_core
from rmz_acquire.acquisition.sideways import SidewaysMove
from rmz_acquire.errors import InputError, ScanFailed, message_of
from rmz_acquire.scanning import NoEstimator, RecentFrames, Scan, ScanPlan
from rmz_acquire.stacks import write_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.scanning import Decision, Outcome, Plane

__all__ = ["Position", "acquire_stacks", "read_positions"]

logger = logging.getLogger(__name__)

LIST = "stacks.yaml"
# A pixel size beside another one: what rounding and calibration leave.
_UNLIKE = 0.02

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a stack is taken.

    Parameters
    ----------
    x_um, y_um : float
        Of the XY stage, µm.
    z_um : float or None
        Middle of the stack, µm; None means where the focus stands at the start.
    specimen : str or None
        What lies there: stacks of one specimen stay on one side of a split.
    """

    x_um: float
    y_um: float
    z_um: float | None = None
    specimen: str | None = None


class _Collector:
    """A recorder that keeps the planes for one file, and tells of each."""

    def __init__(self, tell: Callable[[int, NDArray[Any]], None]) -> None:
        self.planes: list[NDArray[Any]] = []
        self._tell = tell

    def write_plane(self, plane: Plane, index: int) -> None:
        image = np.array(plane.image)
        first = self.planes[0] if self.planes else image
        if (image.shape, image.dtype) != (first.shape, first.dtype):
            msg = (
                f"a plane is {image.shape} {image.dtype}, those before it are "
                f"{first.shape} {first.dtype}"
            )
            raise ValueError(msg)
        self.planes.append(image)
        self._tell(len(self.planes), self.planes[-1])

    def write_decision(self, decision: Decision) -> None:
        """Tell what is wrong with a frame; an old one is no plane of the stack."""
        if decision.frame is not None:
            z_um = decision.z_requested_um
            logger.warning("the plane at z %g µm %s", z_um, decision.frame)
        if not decision.used:
            self.planes.pop()

    def finish(self, outcome: Outcome, volume: NDArray[np.float32] | None) -> None:
        """The caller writes the file."""


def read_positions(path: Path) -> list[Position]:
    """Read positions from a CSV file with the columns x_um, y_um and perhaps more.

    Parameters
    ----------
    path : Path
        With a header; z_um and specimen are optional.

    Returns
    -------
    list of Position

    Raises
    ------
    InputError
        Names the line that is wrong.
    """
    import csv

    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            names = set(reader.fieldnames or [])
            rows = list(reader)
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot read the positions {path}: {error}"
        raise InputError(msg) from error
    known = {"x_um", "y_um", "z_um", "specimen"}
    if not {"x_um", "y_um"} <= names or names - known:
        msg = f"{path}: its first line must be x_um,y_um[,z_um][,specimen]"
        raise InputError(msg)
    found = []
    for number, row in enumerate(rows, 2):
        try:
            x, y = float(row["x_um"]), float(row["y_um"])
            z = float(row["z_um"]) if row.get("z_um") else None
        except (TypeError, ValueError):
            x = y = math.nan
            z = None
        if not all(math.isfinite(v) for v in (x, y, z or 0.0)):
            msg = f"{path}: line {number} has no numbers for its position"
            raise InputError(msg)
        found.append(Position(x, y, z, row.get("specimen") or None))
    if not found:
        msg = f"{path}: no positions in it"
        raise InputError(msg)
    return found


def acquire_stacks(
    core: CMMCorePlus,
    positions: Sequence[Position] | None,
    folder: Path,
    *,
    range_um: float,
    step_um: float,
    exposure_ms: float,
    channel: tuple[str, str] | None = None,
    pixel_size_um: float | None = None,
    on_step: Callable[[str], None] | None = None,
    on_start: Callable[[Scan], None] | None = None,
    on_plane: Callable[[int, int, int, int, NDArray[Any]], None] | None = None,
) -> list[Path]:
    """Take a full z stack at every position, and list them for a training.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    positions : sequence of Position, optional
        By default the one where the stages stand.
    folder : Path
        For position-001.ome.tif and so on, and stacks.yaml, which names them as the
        `files.stacks` of a training configuration.
    range_um, step_um : float
        Of each stack, around its middle.
    exposure_ms : float
        Of every plane.
    channel : (str, str), optional
        Group and preset.
    pixel_size_um : float, optional
        At the sample; by default what Micro-Manager's configuration tells.
    on_step : callable, optional
        Is told each stack as it begins.
    on_start : callable, optional
        Is handed the scan of each stack before anything moves for it, so that
        somebody can abort it.
    on_plane : callable, optional
        Is told each plane: its stack and the number of stacks, its number in the
        stack and the number of planes, all from 1, and its picture, (Y, X) counts; on
        the thread that takes it.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InputError
        Before anything moves.
    ScanFailed
        Where a stack could not be taken or written, or was aborted; names those that
        were.
    """
    check_free(core)
    if positions and not core.getXYStageDevice():
        msg = "the configuration has no XY stage: leave out positions"
        raise InputError(msg)
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        msg = f"{folder} is not an empty folder: choose another folder"
        raise InputError(msg)
    focus = core.getFocusDevice()
    here_z = position_um(core, focus) if focus else 0.0
    half = math.floor(range_um / 2 / step_um + 1e-6)
    offsets = [i * step_um for i in range(-half, half + 1)]
    places: Sequence[Position | None] = positions or [None]
    plans = []
    for place in places:
        middle = here_z if place is None or place.z_um is None else place.z_um
        z = [round(middle + offset, 6) for offset in offsets]
        plan = ScanPlan.from_grid(z, z_exact_um=tuple(z))
        check_stage(core, None, plan)
        plans.append(plan)
    check_channel(core, channel)
    lock = FocusLock(core, core.getFocusDevice())
    pixel = _pixel_size_um(core, exposure_ms, channel, pixel_size_um)

    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    entries: list[dict[str, str]] = []
    frames = RecentFrames()
    with lock, _brought_back(core if positions else None):
        if on_step is not None and lock.told is not None:
            on_step(lock.told)
        for number, (place, plan) in enumerate(zip(places, plans, strict=True), 1):
            if on_step is not None:
                on_step(f"stack {number} of {len(plans)}")
            scan = Scan(plan, NoEstimator(plan.z_um), frames=frames)
            frames.begin(f"stack {number}")
            if on_start is not None:
                on_start(scan)
            kept = f"{len(files)} before it are in {folder}"
            if place is not None and not scan.abort_requested:
                try:
                    SidewaysMove(core, place.x_um, place.y_um).finish()
                except RuntimeError as error:
                    said = message_of(error)
                    msg = f"stack {number} was not taken ({said}); {kept}"
                    raise ScanFailed(msg) from error
            keep = _Collector(_teller(on_plane, number, len(plans), len(plan.z_um)))
            outcome = run_on_core(
                core, scan, keep, exposure_ms=exposure_ms, channel=channel
            )
            if outcome.status != "list_done":
                msg = f"stack {number} was not taken ({outcome.reason}); {kept}"
                raise ScanFailed(msg)
            path = folder / f"position-{number:03d}.ome.tif"
            try:
                write_stack(
                    path,
                    np.stack(keep.planes),
                    z_step_um=step_um,
                    pixel_size_um=pixel,
                )
            except OSError as error:
                said = error.strerror or str(error)
                msg = f"stack {number} cannot be written ({said}): make room; {kept}"
                raise ScanFailed(msg) from error
            files.append(path)
            name = place.specimen if place is not None else None
            entries.append({"path": path.name, "specimen": name or path.stem[:-4]})
            _write_list(folder / LIST, entries)
    return files


def _pixel_size_um(
    core: CMMCorePlus,
    exposure_ms: float,
    channel: tuple[str, str] | None,
    given_um: float | None,
) -> float:
    """The pixel size with the channel set, whose preset may bring binning or lens."""
    check_duration(exposure_ms)
    event = useq.MDAEvent(exposure=exposure_ms)
    if channel is not None:
        group, preset = channel
        event = event.replace(channel={"group": group, "config": preset})
    imaging = image_channel(core, event)
    told = imaging.pixel_size_um
    if given_um is None:
        if told is None:
            msg = "the configuration tells no pixel size: give pixel_size_um"
            raise InputError(msg)
        return told
    if told is not None and not math.isclose(told, given_um, rel_tol=_UNLIKE):
        logger.warning(
            "the pixel size given is %g µm, the configuration tells %g µm: the stacks "
            "say what is given",
            given_um,
            told,
        )
    return given_um


@contextmanager
def _brought_back(core: CMMCorePlus | None) -> Iterator[None]:
    """Bring the XY stage back, whatever happened; what did is told first."""
    home = None if core is None else core.getXYPosition()
    before: BaseException | None = None
    try:
        yield
    except BaseException as error:
        before = error
        raise
    finally:
        if core is not None and home is not None:
            try:
                SidewaysMove(core, *home).finish()
            except RuntimeError as error:
                said = f"the XY stage cannot be brought back: {message_of(error)}"
                if before is not None:
                    said = f"{message_of(before)}; afterwards {said}"
                raise ScanFailed(said) from error


def _teller(
    on_plane: Callable[[int, int, int, int, NDArray[Any]], None] | None,
    stack: int,
    stacks: int,
    planes: int,
) -> Callable[[int, NDArray[Any]], None]:
    def tell(plane: int, image: NDArray[Any]) -> None:
        if on_plane is not None:
            on_plane(stack, stacks, plane, planes, image)

    return tell


def _write_list(path: Path, entries: list[dict[str, str]]) -> None:
    lines = ["# for the files of a training configuration that lies in this folder"]
    lines += ["stacks:", *(f"  - {json.dumps(entry)}" for entry in entries)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
