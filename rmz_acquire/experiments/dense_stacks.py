"""Dense stacks at a list of positions: what a model is trained on.

An experiment without an estimator, so that every plane is on disk when it is taken, and
light, stage and settings are treated as in any scan. What was cut short goes on with
`resume`.
"""

from __future__ import annotations

import logging
import math
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import useq

from rmz_acquire.acquisition.focus_stage import position_um
from rmz_acquire.acquisition.image_format import image_channel
from rmz_acquire.acquisition.preflight import (
    check_channel,
    check_duration,
    check_free,
)
from rmz_acquire.acquisition.sideways import SidewaysMove
from rmz_acquire.errors import InputError, ScanFailed, message_of
from rmz_acquire.experiments.callbacks import Watcher
from rmz_acquire.experiments.run import run
from rmz_acquire.methods import NO_VOLUME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.scanning import Decision, Estimate, Plane, Scan

__all__ = ["Position", "acquire_stacks", "read_positions"]

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


class _Teller(Watcher):
    """Passes planes on with their numbers, and each scan before anything moves."""

    def __init__(
        self,
        stacks: int,
        on_step: Callable[[str], None] | None,
        on_start: Callable[[Scan], None] | None,
        on_plane: Callable[[int, int, int, int, NDArray[Any]], None] | None,
    ) -> None:
        self._stacks = stacks
        self._on_step, self._on_start, self._on_plane = on_step, on_start, on_plane

    def volume(self, volume: Volume, scan: Scan) -> None:
        """A stack begins."""
        if self._on_step is not None:
            self._on_step(f"stack {volume.number + 1} of {self._stacks}")
        if self._on_start is not None:
            self._on_start(scan)

    def plane(self, volume: Volume, plane: Plane, index: int) -> None:
        """A plane is on disk."""
        if self._on_plane is not None:
            stack, planes = volume.number + 1, len(volume.z_um)
            self._on_plane(stack, self._stacks, index + 1, planes, plane.image)

    def decision(
        self, volume: Volume, decision: Decision, estimate: Estimate | None
    ) -> None:
        """Tell what is wrong with a frame; an old one is no plane of the stack."""
        if decision.frame is not None:
            z_um = decision.z_requested_um
            logger.warning("the plane at z %g µm %s", z_um, decision.frame)


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
    config: str | None = None,
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
    config : str, optional
        The configuration of the microscope, to be noted.
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
    check_channel(core, channel)
    check_duration(exposure_ms)
    pixel = _pixel_size_um(core, exposure_ms, channel, pixel_size_um)
    sequence = _sequence(
        positions, range_um, step_um, exposure_ms, channel, pixel, _here_um(core)
    )
    watcher = _Teller(len(positions or [None]), on_step, on_start, on_plane)
    with _brought_back(core if positions else None):
        summary = run(core, sequence, folder, config=config, watcher=watcher).summary
        files = sorted(folder.glob("position-*.ome.tif"))
        if summary.focus_lock is not None:
            logger.warning("%s", summary.focus_lock)
        if summary.status != "completed":
            number, said = len(files) + 1, summary.error or summary.reason
            msg = (
                f"stack {number} was not taken ({said}); {len(files)} before it are in "
                f"{folder}"
            )
            raise ScanFailed(msg)
    return files


def _sequence(
    positions: Sequence[Position] | None,
    range_um: float,
    step_um: float,
    exposure_ms: float,
    channel: tuple[str, str] | None,
    pixel_size_um: float,
    here_um: float,
) -> useq.MDASequence:
    """Make the experiment: every z of every position, and no volume of them."""
    half = math.floor(range_um / 2 / step_um + 1e-6)
    parts: dict[str, Any] = {}
    if channel is not None:
        group, preset = channel
        one = {"group": group, "config": preset, "exposure": exposure_ms}
        parts["channels"] = [one]
    else:
        parts["setup"] = {"exposure": exposure_ms}
    if positions:
        parts["stage_positions"] = [
            {
                "x": place.x_um,
                "y": place.y_um,
                "z": here_um if place.z_um is None else place.z_um,
                "name": place.specimen,
            }
            for place in positions
        ]
    block = {
        "version": 1,
        "estimator": NO_VOLUME,
        "training_stacks": True,
        "optics": {"pixel_size_um": pixel_size_um},
    }
    return useq.MDASequence(
        z_plan={"range": 2 * half * step_um, "step": step_um},
        metadata={"rmz_acquire": block},
        **parts,
    )


def _here_um(core: CMMCorePlus) -> float:
    focus = core.getFocusDevice()
    return position_um(core, focus) if focus else 0.0


def _pixel_size_um(
    core: CMMCorePlus,
    exposure_ms: float,
    channel: tuple[str, str] | None,
    given_um: float | None,
) -> float:
    """The pixel size with the channel set, whose preset may bring binning or lens."""
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
