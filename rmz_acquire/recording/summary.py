"""What became of a run, in one JSON file: ``summary.json``."""

from __future__ import annotations

import platform
from datetime import datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from rmz_acquire.atomic_io import replace_json
from rmz_acquire.errors import InputError, message_of
from rmz_acquire.recording.folder import SUMMARY
from rmz_acquire.scanning import Status

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Summary",
    "TruthKind",
    "read_summary",
    "status_of",
    "versions",
    "write_summary",
]

TruthKind = Literal["truth", "recorded stack"]

# what a result can depend on
_PACKAGES = (
    "rmz-acquire",
    "numpy",
    "pymmcore",
    "pymmcore-plus",
    "scipy",
    "tensorstore",
    "torch",
)


class Summary(BaseModel):
    """The contents of ``summary.json``; what is not known is None.

    A run of one volume has the keys from `stop_reason` on, too; of several, these are
    None or empty, and each volume's are in the journal of the volumes.

    Parameters
    ----------
    status : {"completed", "stopped", "aborted", "failed"}
        How it ended; "stopped" means by somebody, keeping the volume.
    reason : str
        The same as a sentence with its numbers.
    error : str or None
        What went wrong, if it failed.
    volumes, volumes_done : int
        Requested, and finished.
    volumes_to_render : int
        Scanned, but not computed from their planes yet: `resume` does that.
    planes_taken, planes_full_scan : int
        For the volumes begun: exposures made, and those of full stacks.
    check_planes : int
        Exposures made for checks, beside those of the scans.
    planes_ahead : int
        Of `planes_taken`, those exposed ahead of a decision and not used after it.
    dose_ms, dose_full_scan_ms : float or None
        Exposure of scans and checks, and of full stacks, ms.
    late : list of dict
        Time points that began late: t and by how much, s.
    focus_lock : str or None
        What happened to a focus lock that was on; None if none was.
    autofocus_failures : list of str
        Where the hardware autofocus failed and the experiment went on.
    findings : list of str
        What the checks of the volumes found, and where a volume did not go on with
        the planes of the last time point; one line each.
    compared : list of dict
        For each volume whose estimator compares candidates or estimates the z scale:
        t, p, g, c, and `candidates` and `z_scale` as below.
    scores : list of dict
        For each volume whose truth is known: t, p, g, c and the scores as below.
    started : datetime
        When it started, UTC.
    wall_s : float
        From the first move to the last decision, s; for a resumed run, of its last
        part.
    estimator, model, model_path, model_sha256
        What computed the volumes, as the estimators describe themselves.
    optics : dict or None
        For one volume its optics; for several, those of each channel by its name.
    policy, stop_rule : str or None
        Their classes, if they are not built in.
    versions : dict
        Versions of the libraries that a result can depend on.
    stop_reason : str or None
        converged, max_planes, budget, list_done, misfit, stopped, aborted or failed.
    stop_terms : list of dict
        The conditions of the stop rule at the end: name, value, limit, met of each.
    z_um, z_taken_um : list of float
        The grid, and where planes were taken (read back, in order), µm.
    pixel_size_um : float or None
        Pixel size at the sample, µm.
    plan : dict
        The scan's other settings.
    candidates : dict or None
        For each candidate for the volume: `rms_error`, the relative RMS error of the
        planes as it predicted them before they were taken; `wins`, how often it was the
        best; `share` in the volume at the end. Candidates that were only used for
        rendering, where regions decided, have no `rms_error`.
    z_scale : float or None
        Ratio of steps of the focus to steps of the stage, as estimated.
    output_planes : dict or None
        Lists over all planes of the grid: `z_um`; `measured`, whether it was taken;
        `nearest_um`, distance to the nearest plane that the volume is made of;
        `predicted_error`, the expected RMS error over the RMS of the light, without the
        camera's noise; `spread`, the RMS difference of the candidates in the same
        unit.
    exposures : list of dict
        The dose ledger: for each exposure in order `z_um`, `exposure_ms`,
        `cumulated_ms` and `light`, the mean of its frame above the darkest, counts;
        at the end those of `checks.repeat`.
    fading : dict or None
        How much light was lost from the first exposure to the last: `seen`, whether
        that is significant; `lost`, as a fraction, and `uncertainty`, half of its 95 %
        interval; `told_by`, from planes taken twice (`repeats`) or a fit over `all
        planes`. None if it cannot be determined.
    scored_against : str or None
        What the scores compare with: the noise-free truth of a simulation, another
        stack given as the truth, or the recorded stack itself, including its noise.
    psnr_db, nrmse, ssim : float or None
        Scores of the volume, over the planes not taken.
    baselines : dict or None
        The same three scores of wiener, linear and nearest from the same planes; None
        for one that could not be computed.
    full_stack : dict or None
        The same scores of a full stack with this exposure, as the camera would record
        it, and its `planes`; computed from the noise of the planes taken, if the truth
        has none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    status: Literal["completed", "stopped", "aborted", "failed"]
    reason: str
    error: str | None
    volumes: int
    volumes_done: int
    volumes_to_render: int = 0
    planes_taken: int
    planes_full_scan: int
    check_planes: int = 0
    planes_ahead: int = 0
    dose_ms: float | None
    dose_full_scan_ms: float | None
    late: list[dict[str, float]] = []
    focus_lock: str | None = None
    autofocus_failures: list[str] = []
    findings: list[str] = []
    compared: list[dict[str, Any]] = []
    scores: list[dict[str, Any]] = []
    started: datetime
    wall_s: float
    estimator: str | None
    model: str | None = None
    model_path: str | None = None
    model_sha256: str | None = None
    optics: dict[str, Any] | None = None
    policy: str | None = None
    stop_rule: str | None = None
    versions: dict[str, str]
    stop_reason: Status | None = None
    stop_terms: list[dict[str, Any]] = []
    z_um: list[float] = []
    z_taken_um: list[float] = []
    pixel_size_um: float | None = None
    plan: dict[str, Any] = {}
    candidates: dict[str, dict[str, float]] | None = None
    z_scale: float | None = None
    output_planes: dict[str, list[Any] | None] | None = None
    exposures: list[dict[str, float | None]] = []
    fading: dict[str, Any] | None = None
    scored_against: TruthKind | None = None
    psnr_db: float | None = None
    nrmse: float | None = None
    ssim: float | None = None
    baselines: dict[str, dict[str, float | None] | None] | None = None
    full_stack: dict[str, float | None] | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_earlier(cls, data: Any) -> Any:
        """Take what version 0.1.0 wrote: of one volume, or of an experiment."""
        if not isinstance(data, dict):
            return data
        if isinstance(data.get("estimator"), dict):
            return {**data, **data["estimator"]}
        if "stop_reason" in data and "status" not in data:
            status = status_of(data["stop_reason"])
            done = int(status not in ("failed", "aborted"))
            return {"status": status, "volumes": 1, "volumes_done": done, **data}
        return data


def status_of(stop_reason: str) -> str:
    """Give how a run ended whose only volume ended so."""
    ways = ("stopped", "aborted", "failed")
    return stop_reason if stop_reason in ways else "completed"


def read_summary(folder: Path) -> Summary | None:
    """Read ``summary.json``.

    Parameters
    ----------
    folder : Path
        Of a run, also of an earlier version's.

    Returns
    -------
    Summary or None
        None where there is none: the run did not come to its end.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    try:
        return Summary.model_validate_json((folder / SUMMARY).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        msg = f"{folder} cannot be read as a run: {message_of(error)[:160]}"
        raise InputError(msg) from error


def write_summary(folder: Path, summary: Summary) -> None:
    """Replace ``summary.json``, in one step."""
    replace_json(folder / SUMMARY, summary)


def versions() -> dict[str, str]:
    """Versions of Python, the system and the packages that a result depends on."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    # what a process has imported stays what it was; to look takes longer than a plane
    found = {"python": platform.python_version(), "system": platform.platform()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
