"""What a run came to, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from rmz_acquire.cli.console import console, stderr, warn
from rmz_acquire.errors import ScanFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rmz_acquire.recording import Summary
    from rmz_acquire.recording.stop_terms import ToldTerm

__all__ = ["predicted", "print_summary"]

_MOST_TOLD = 20
_SCORES = (
    ("psnr_db", "PSNR", "{:.2f} dB"),
    ("nrmse", "NRMSE", "{:.3f}"),
    ("ssim", "SSIM", "{:.3f}"),
)


def print_summary(summary: Summary, folder: Path) -> None:
    """Print how a run ended, what it cost, how good it is and where it lies.

    Raises
    ------
    ScanFailed
        If it failed or was stopped; names the folder.
    """
    _print_findings(summary)
    one = summary.stop_reason is not None
    if one and summary.planes_taken:
        _print_volume(summary, folder)
    if summary.status != "completed":
        said = summary.reason
        if summary.status == "failed" and not said.startswith("failed"):
            said = f"failed: {said}"
        if summary.status == "aborted":
            said = f"stopped: {said}"
        msg = f"{said}; what was taken is in {folder} (go on with --resume {folder})"
        raise ScanFailed(msg)
    if not one:
        saved = 1 - summary.planes_taken / max(1, summary.planes_full_scan)
        console.print(
            f"{summary.reason} ({saved:.0%} fewer), in {summary.wall_s:.1f} s; "
            f"{folder}",
            markup=False,
            soft_wrap=True,
        )


def _print_findings(summary: Summary) -> None:
    """Warn of what was found that a user should know."""
    if summary.focus_lock is not None:
        stderr.print(summary.focus_lock, markup=False, soft_wrap=True)
    for item in summary.late:
        warn(f"time point {item['t']:g} began {item['late_s']:.1f} s late")
    for text in summary.autofocus_failures:
        warn(text)
    for text in summary.findings[:_MOST_TOLD]:
        warn(text)
    if len(summary.findings) > _MOST_TOLD:
        warn(f"{len(summary.findings)} findings in all: see summary.json")


def _print_volume(summary: Summary, folder: Path) -> None:
    facts = {"stopped": f"{summary.stop_reason}: {summary.reason}"}
    if summary.stop_terms:
        rule = summary.plan.get("stop_rule") or "guarded"
        told = (f"{'ok' if t.met else 'not'} {t}" for t in _told(summary))
        facts["rule"] = f"{rule}: {', '.join(told)}"
    facts |= {
        "planes": f"{summary.planes_taken} of {summary.planes_full_scan} of the full "
        f"stack ({_percent(summary.planes_taken, summary.planes_full_scan)})",
    }
    if summary.planes_ahead:
        facts["planes"] += f"; {summary.planes_ahead} exposed ahead and not used"
    if summary.dose_ms is not None and summary.dose_full_scan_ms is not None:
        facts["dose"] = (
            f"{summary.dose_ms:g} ms of light instead of "
            f"{summary.dose_full_scan_ms:g} ms"
        )
    facts |= predicted(summary.candidates, summary.z_scale)
    facts["time"] = f"{summary.wall_s:.1f} s"
    facts["files"] = f"{folder}: {', '.join(_files(folder))}"
    for label, value in facts.items():
        console.print(f"{label:8} {value}", markup=False, soft_wrap=True)
    if summary.psnr_db is not None or summary.baselines:
        console.print()
        console.print(_scores(summary))


def _told(summary: Summary) -> list[ToldTerm]:
    from rmz_acquire.recording.stop_terms import told_terms

    return told_terms(summary.stop_terms)


def predicted(
    candidates: Mapping[str, Mapping[str, float]] | None, z_scale: float | None
) -> dict[str, str]:
    """Say what a volume is made of, and which candidate predicted planes best.

    Parameters
    ----------
    candidates, z_scale
        As in `Summary`.

    Returns
    -------
    dict of str to str
        Lines by their labels.
    """
    from rmz_acquire.recording import best_of, made_of, scale_in_words

    facts: dict[str, str] = {}
    if candidates:
        best = (
            f"best at predicting planes before they were taken: {best_of(candidates)}"
        )
        parts = [part for part in (made_of(candidates), best) if part]
        facts["volume"] = "; ".join(parts)
    scale = scale_in_words(z_scale)
    if scale:
        facts["z scale"] = f"{scale} (steps of the focus over steps of the stage)"
    return facts


def _scores(summary: Summary) -> Table:
    against = summary.scored_against or "truth"
    title = f"against the {against}, planes not taken"
    table = Table(title=title, title_justify="left")
    table.add_column("from the same planes")
    for _, label, _ in _SCORES:
        table.add_column(label, justify="right")
    own = {key: getattr(summary, key) for key, _, _ in _SCORES}
    name = summary.estimator or "volume"
    if summary.model:
        name = f"{name} ({summary.model})"
    table.add_row(name, *_cells(own), style="bold")
    for baseline, scores in (summary.baselines or {}).items():
        if baseline != summary.estimator:
            table.add_row(baseline, *_cells(scores or {}))
    if full := summary.full_stack:
        name = f"full stack, as exposed ({full['planes']:g} planes)"
        table.add_section()
        table.add_row(name, *_cells(full))
    return table


def _cells(scores: dict[str, Any]) -> list[str]:
    return [
        "-" if scores.get(key) is None else form.format(scores[key])
        for key, _, form in _SCORES
    ]


def _files(folder: Path) -> list[str]:
    from rmz_acquire.recording import RUN_FILES

    return [name for name in RUN_FILES if (folder / name).exists()]


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %"
