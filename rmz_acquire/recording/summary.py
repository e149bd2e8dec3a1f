"""What became of a run, in one JSON file: ``summary.json``."""

from __future__ import annotations

import platform
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from rmz_acquire.errors import InputError, message_of
from rmz_acquire.recording.atomic_io import jsonable
from rmz_acquire.recording.compared import candidates_of, z_scale_of
from rmz_acquire.scanning import Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rmz_acquire.scanning import Decision, Outcome, ScanPlan

__all__ = ["Summary", "read_summary", "summarise", "versions"]

S = TypeVar("S", bound=BaseModel)

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

    Parameters
    ----------
    stop_reason : str
        converged, max_planes, list_done, stopped, aborted or failed.
    reason : str
        The same as a sentence with its numbers.
    error : str or None
        What went wrong, if it failed.
    planes_taken, planes_full_scan : int
        Exposures made, and those of the full stack over the same grid.
    dose_ms, dose_full_scan_ms : float or None
        The same in ms of exposure.
    started : datetime
        UTC.
    wall_s : float
        From the first move to the last decision, s.
    estimator, model, model_sha256, optics
        As the estimator describes itself.
    z_um, z_taken_um : list of float
        The grid, and where planes were taken (read back, in order), µm.
    pixel_size_um : float or None
        At the sample, µm.
    plan : dict
        The scan's other settings.
    candidates : dict or None
        Of each candidate for the volume: `rms_error`, the root of the mean squared
        error of the planes as it predicted them before they were taken, relative;
        `wins`, how often it was the best; `share` in the volume at the end.
    z_scale : float or None
        Steps of the focus over steps of the stage, as found.
    versions : dict
        Of what a result can depend on.
    scored_against : str or None
        What the scores are against: the noise-free truth of a simulation, or another
        stack given as that, or the recorded stack itself, noise included.
    psnr_db, nrmse, ssim : float or None
        Of the volume, over the planes not taken.
    baselines : dict or None
        The same three of wiener, linear and nearest from the same planes; None for
        one that could not be made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    stop_reason: Status
    reason: str
    error: str | None
    planes_taken: int
    planes_full_scan: int
    dose_ms: float | None
    dose_full_scan_ms: float | None
    started: datetime
    wall_s: float
    estimator: str | None
    model: str | None
    model_sha256: str | None
    optics: dict[str, Any] | None
    z_um: list[float]
    z_taken_um: list[float]
    pixel_size_um: float | None
    plan: dict[str, Any]
    candidates: dict[str, dict[str, float]] | None = None
    z_scale: float | None = None
    versions: dict[str, str]
    scored_against: Literal["truth", "recorded stack"] | None = None
    psnr_db: float | None = None
    nrmse: float | None = None
    ssim: float | None = None
    baselines: dict[str, dict[str, float | None] | None] | None = None


def summarise(
    plan: ScanPlan,
    outcome: Outcome,
    decisions: Sequence[Decision],
    *,
    planes_taken: int,
    description: Mapping[str, Any],
    pixel_size_um: float | None,
    started: datetime,
    wall_s: float,
) -> Summary:
    """Sum up a run that has ended.

    Parameters
    ----------
    plan : ScanPlan
        What was asked for.
    outcome : Outcome
        How it ended.
    decisions : sequence of Decision
        One a plane, in order.
    planes_taken : int
        How many planes are on disk: light that the specimen has had.
    description : mapping
        The estimator's `describe()`.
    pixel_size_um : float or None
        At the sample, µm.
    started : datetime
        UTC.
    wall_s : float
        How long it took, s.

    Returns
    -------
    Summary
        Without scores.
    """
    exposures = [decision.exposure_ms for decision in decisions]
    known = [ms for ms in exposures if ms is not None]
    complete = bool(known) and len(known) == planes_taken
    full = len(plan.z_um)
    usual = {"z_um"} if plan.stop_rule is not None else {"z_um", "stop_rule"}
    return Summary(
        stop_reason=outcome.status,
        reason=outcome.reason,
        error=outcome.error,
        planes_taken=planes_taken,
        planes_full_scan=full,
        dose_ms=sum(known) if complete else None,
        dose_full_scan_ms=full * sum(known) / len(known) if complete else None,
        started=started,
        wall_s=wall_s,
        estimator=description.get("estimator"),
        model=description.get("model"),
        model_sha256=description.get("model_sha256"),
        optics=jsonable(description.get("optics")),
        z_um=list(plan.z_um),
        z_taken_um=[decision.z_actual_um for decision in decisions],
        pixel_size_um=pixel_size_um,
        plan=plan.model_dump(mode="json", exclude=usual),
        candidates=candidates_of(decisions),
        z_scale=z_scale_of(decisions),
        versions=versions(),
    )


def read_summary(folder: Path, kind: type[S]) -> S | None:
    """Read ``summary.json``.

    Parameters
    ----------
    folder : Path
        Of a run of one volume, or of an experiment.
    kind : type
        `Summary`, or `rmz_acquire.experiments.ExperimentSummary`.

    Returns
    -------
    Summary, ExperimentSummary or None
        None where there is none: the run did not come to its end.

    Raises
    ------
    InputError
        If the file is damaged, or of another kind.
    """
    try:
        return kind.model_validate_json((folder / "summary.json").read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        msg = f"{folder} cannot be read as a run: {message_of(error)[:160]}"
        raise InputError(msg) from error


def versions() -> dict[str, str]:
    """Versions of Python, the system and the packages that a result depends on."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
