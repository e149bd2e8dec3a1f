"""What a volume leaves beside its pixels: scores, report, and of the only one a TIFF.

All of it is made of what lies on disk, so a run that went on has it anew.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmz_acquire.errors import InputError
from rmz_acquire.experiments.stored import StoredExperiment, StoredVolumes
from rmz_acquire.experiments.volume_scores import score_volume
from rmz_acquire.recording import (
    Summary,
    candidates_of,
    read_summary,
    with_shares,
    write_report,
    write_summary,
    z_scale_of,
)
from rmz_acquire.recording.folder import REPORT, VOLUME
from rmz_acquire.scanning.dose_ledger import Exposure, fading_of, with_check
from rmz_acquire.stacks import write_volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rmz_acquire.experiments.prepare import Prepared
    from rmz_acquire.experiments.truth import Truth
    from rmz_acquire.experiments.volumes import Volume

__all__ = ["export_reports", "finish_volumes", "report_volume", "summary_of"]

logger = logging.getLogger(__name__)


def finish_volumes(
    out: Path,
    prepared: Prepared,
    summary: Summary,
    truth: Truth | None,
    say: Callable[[str], None],
) -> Summary:
    """Score what there is a truth of; of one volume also leave a TIFF and a report.

    Parameters
    ----------
    out : Path
        The folder of the run, with its summary.
    prepared : Prepared
        The experiment.
    summary : Summary
        Of all of it.
    truth : Truth or None
        What the volumes are scored against.
    say : callable
        Is told what begins.

    Returns
    -------
    Summary
        As it is on disk now.
    """
    only = prepared.only_volume
    if only is None and truth is None:
        return summary
    stored = StoredVolumes(out, prepared)
    if only is not None:
        summary = summary_of(stored, only, summary)
        pixels = stored.pixels(only)
        if pixels is not None:
            write_volume(
                out / VOLUME,
                pixels,
                sorted(only.z_um),
                pixel_size_um=summary.pixel_size_um,
                optics=stored.optics_of(only),
                channel=only.channel,
                told=stored.told_of_planes(only),
            )
        write_summary(out, summary)
    # once: a simulation computes it, and scores and report both need it
    stack = None if truth is None or only is None else truth.stack(only)
    scores = []
    for volume in stored.begun if truth is not None else ():
        assert truth is not None
        found = _scored(stored, volume, truth, stack, say)
        if found is not None:
            t, p, g, c = volume.key
            scores.append({"t": t, "p": p, "g": g, "c": c, **found})
    if scores:
        update: dict[str, Any] = {"scores": scores}
        if only is not None:
            assert truth is not None
            own = {k: v for k, v in scores[0].items() if k not in "tpgc"}
            update = {**own, "scored_against": truth.kind}
        summary = summary.model_copy(update=update)
        write_summary(out, summary)
    if only is not None:
        say("report")
        report_volume(out / REPORT, stored, only, summary, stack)
    return summary


def export_reports(path: Path | str, out: Path | str) -> list[Path]:
    """Draw the report of every volume that a run has made.

    Parameters
    ----------
    path : path
        The run's folder; it is left as it is.
    out : path
        The folder for the pictures; those of the same names are replaced.

    Returns
    -------
    list of Path
        ``report_t000_p000_g000_c000.png`` and so on.

    Raises
    ------
    InputError
        If it holds no run, or one that has not come to its end.
    """
    stored, out = StoredExperiment(path), Path(out)
    run = read_summary(stored.path)
    if run is None:
        msg = f"{path} has not come to its end, which a report tells: resume it first"
        raise InputError(msg)
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for volume in stored.begun:
        if volume.single or stored.ending(volume) is None:
            continue
        name = "_".join(
            f"{axis}{n:03d}" for axis, n in zip("tpgc", volume.key, strict=False)
        )
        files.append(out / f"report_{name}.png")
        report_volume(files[-1], stored, volume, summary_of(stored, volume, run))
    return files


def summary_of(stored: StoredVolumes, volume: Volume, run: Summary) -> Summary:
    """Sum up one volume.

    Parameters
    ----------
    stored : StoredVolumes
        Has it.
    volume : Volume
        Which one.
    run : Summary
        Of the run that it is of.

    Returns
    -------
    Summary
        Of a run of this volume alone, without scores.
    """
    ending = stored.ending(volume) or {}
    decisions = stored.decisions_of(volume)
    optics = stored.optics_of(volume)
    status, reason = ending.get("status", run.status), ending.get("reason", run.reason)
    if run.status == "failed" and status not in ("failed", "aborted"):
        # what went wrong came after the last plane
        status, reason = "failed", f"{reason}; afterwards {run.error}"
    if stored.folder.to_render(volume.key):
        reason = f"{reason}; its volume is not made yet: resume makes it"
    known = [d.exposure_ms for d in decisions if d.exposure_ms is not None]
    plan = volume.plan(stored.prepared.settings)
    exposures, fading = _ledger(stored, volume, plan.same_z_um)
    taken = len(stored.folder.planes_before.get(volume.key, []))
    complete = bool(known) and len(known) == taken
    full = len(volume.z_um)
    update: dict[str, Any] = {
        "stop_reason": status,
        "stop_terms": decisions[-1].terms if decisions else [],
        "reason": reason,
        "volumes": 1,
        "planes_taken": taken,
        "planes_full_scan": full,
        "planes_ahead": sum(not decision.wanted for decision in decisions),
        "dose_full_scan_ms": full * sum(known) / len(known) if complete else None,
        "optics": None if optics is None else optics.model_dump(),
        "z_um": sorted(volume.z_um),
        "z_taken_um": [decision.z_actual_um for decision in decisions],
        "pixel_size_um": stored.prepared.pixel_size_of(volume),
        "plan": ending.get("plan") or plan.to_line(),
        "candidates": with_shares(candidates_of(decisions), ending.get("shares")),
        "z_scale": z_scale_of(decisions),
        "output_planes": ending.get("output_planes"),
        "exposures": exposures,
        "fading": fading,
    }
    return run.model_copy(update=update)


def _ledger(
    stored: StoredVolumes, volume: Volume, same_z_um: float
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Give the exposures of a volume, those of its check too, and what the light lost.

    A check takes a plane again that was taken early, which tells bleaching by itself.
    """
    ending = stored.ending(volume) or {}
    exposures, fading = ending.get("exposures", []), ending.get("fading")
    check = stored.folder.checks_before.get(volume.key, [])
    if not check or not exposures:
        return exposures, fading
    every = with_check([Exposure(**one) for one in exposures], check)
    found = fading_of(every, same_z_um)
    return [one.to_dict() for one in every], None if found is None else found.to_dict()


def report_volume(
    path: Path,
    stored: StoredVolumes,
    volume: Volume,
    summary: Summary,
    truth: NDArray[Any] | None = None,
) -> None:
    """Draw the report of a volume; a picture that fails is logged and spoils no run.

    Parameters
    ----------
    path : Path
        The picture.
    stored : StoredVolumes
        Has the volume.
    volume : Volume
        Which one.
    summary : Summary
        As `summary_of` gave it.
    truth : ndarray, (Z, Y, X), optional
        To be shown beside it, camera counts.
    """
    try:
        write_report(
            path,
            summary,
            stored.decisions_of(volume),
            volume=stored.pixels(volume),
            truth=truth,
        )
    except Exception:
        logger.exception("the report could not be drawn; the run itself is whole")


def _scored(
    stored: StoredVolumes,
    volume: Volume,
    truth: Truth,
    stack: NDArray[Any] | None,
    say: Callable[[str], None],
) -> dict[str, Any] | None:
    """Score a volume; None where there is nothing to score, or it failed."""
    ending, pixels = stored.ending(volume), stored.pixels(volume)
    if ending is None or ending["status"] == "failed" or pixels is None:
        return None
    say("score")
    if stack is None:
        stack = truth.stack(volume)
    if stack is None:
        return None
    return score_volume(
        stack,
        pixels,
        stored.counted(volume),
        sorted(volume.z_um),
        estimator=stored.prepared.settings.estimator,
        optics=stored.optics_of(volume),
        baselines=truth.baselines,
        say=say,
    )
