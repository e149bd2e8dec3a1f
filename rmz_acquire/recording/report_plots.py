"""The report's plots: planes taken, change, predictions, dose, quality, time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from rmz_acquire.recording.summary import Summary
    from rmz_acquire.scanning import Decision

__all__ = [
    "ACCENT",
    "GREY",
    "plot_candidates",
    "plot_change",
    "plot_dose",
    "plot_quality",
    "plot_taken",
    "plot_times",
    "tidy",
]

ACCENT = "#1a5fb4"
GREY = "#5f6368"
_LIGHT = "#c4c7cc"
_WARM = "#c64600"
_CANDIDATES = (
    (ACCENT, "o"),
    (_WARM, "s"),
    (GREY, "^"),
    ("#7aa7e0", "D"),
    ("#26a269", "v"),
    ("#9141ac", "P"),
)
"""Colour and marker of each, in the order in which they come."""

_LEGEND_ROW = 0.19
"""Inches."""


def plot_taken(axes: Axes, summary: Summary, decisions: Sequence[Decision]) -> None:
    """Where each plane was taken, against the grid of the full stack."""
    axes.set_title("Planes taken")
    count = max(len(decisions), 1)
    left = 0.4
    axes.hlines(summary.z_um, left, count + 0.6, color="#eceef1", linewidth=0.8)
    number = np.arange(1, len(decisions) + 1)
    z_um = [decision.z_actual_um for decision in decisions]
    axes.plot(number, z_um, color=_LIGHT, linewidth=1, zorder=2)
    axes.scatter(number, z_um, s=30, color=ACCENT, zorder=3)
    axes.set_xlim(left, count + 0.6)
    span = summary.z_um[-1] - summary.z_um[0]
    axes.set_ylim(summary.z_um[0] - 0.04 * span, summary.z_um[-1] + 0.04 * span)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    axes.set_xlabel("plane, in the order taken")
    axes.set_ylabel("z (µm), a line per plane of the full stack")
    axes.yaxis.label.set_fontsize(8)


def plot_change(axes: Axes, summary: Summary, decisions: Sequence[Decision]) -> None:
    """Change of the volume and the threshold, with the innovation beside it."""
    axes.set_title("Change of the volume")
    relative = summary.plan.get("epsilon_kind", "relative") == "relative"
    number = np.arange(1, len(decisions) + 1)
    change = _series([d.delta_relative if relative else d.delta for d in decisions])
    change[change <= 0] = np.nan  # no place on a logarithmic axis
    drawn = False
    if relative:
        innovation = _series([d.innovation for d in decisions])
        innovation[innovation <= 0] = np.nan
        if np.isfinite(innovation).any():
            axes.plot(
                number,
                innovation,
                "s-",
                color=_LIGHT,
                markersize=4,
                linewidth=1,
                label="innovation",
            )
            drawn = True
    if np.isfinite(change).any():
        axes.plot(number, change, "o-", color=ACCENT, markersize=5, label="change δ")
        drawn = True
    listed = summary.plan.get("z_exact_um") is not None
    epsilon = summary.plan.get("epsilon")
    if epsilon is not None and drawn and not listed:
        axes.axhline(
            epsilon,
            color=_WARM,
            linestyle="--",
            linewidth=1.2,
            label=f"ε = {epsilon:g}",
        )
    axes.set_yscale("log")
    axes.set_xlim(0.4, max(len(decisions), 2) + 0.6)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    axes.set_xlabel("planes taken, M")
    axes.set_ylabel("relative to the volume" if relative else "camera counts")
    if drawn:
        low, high = axes.get_ylim()
        # room for the legend above the curves
        axes.set_ylim(low, high * (high / low) ** 0.35)
        axes.legend(loc="upper right", fontsize=8, ncols=3, handlelength=1.4)
    else:
        _note(axes, "no change before the second plane")


def plot_candidates(
    axes: Axes, summary: Summary, decisions: Sequence[Decision]
) -> None:
    """How well each candidate predicted each plane before it was taken.

    The best at each plane is ringed; the legend has the shares in the last volume.
    """
    axes.set_title("Predicted planes")
    number = np.arange(1, len(decisions) + 1)
    told = summary.candidates or {}
    names = dict.fromkeys(name for d in decisions for name in d.predictions or {})
    for place, name in enumerate(names):
        errors = _series([(d.predictions or {}).get(name) for d in decisions])
        errors[errors <= 0] = np.nan  # no place on a logarithmic axis
        colour, marker = _CANDIDATES[place % len(_CANDIDATES)]
        axes.plot(
            number,
            errors,
            f"{marker}-",
            color=colour,
            markersize=4.5,
            linewidth=1.2,
            label=f"{told[name]['share']:.0%} {name}" if name in told else name,
        )
    best = _series([(d.predictions or {}).get(d.winner or "") for d in decisions])
    best[best <= 0] = np.nan
    axes.scatter(
        number,
        best,
        s=90,
        facecolors="none",
        edgecolors="black",
        linewidths=1.1,
        zorder=4,
        label="best at this plane",
    )
    axes.set_xlim(0.4, max(len(decisions), 2) + 0.6)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    axes.set_xlabel("plane, in the order taken")
    axes.set_ylabel("relative error, before it was taken")
    axes.set_yscale("log")
    figure = axes.get_figure()
    assert figure is not None
    tall = axes.get_window_extent().height / figure.dpi
    _leave_room(axes, (_LEGEND_ROW * (len(names) + 1) + 0.1) / tall)
    axes.legend(loc="upper left", fontsize=8, handlelength=1.6, borderaxespad=0.2)


def _leave_room(axes: Axes, part: float) -> None:
    """Fit a logarithmic axis to its curves, below a part of it that stays empty."""
    shown = np.concatenate([line.get_ydata() for line in axes.lines])
    shown = shown[np.isfinite(shown)]
    low, high = (shown.min() / 1.2, shown.max() * 1.2) if shown.size else (0.1, 1.0)
    top = low * max(high / low, 2.5) ** (1 / (1 - part))
    axes.set_ylim(low, top)
    for steps in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1,)):
        powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.log10(top) + 1)
        marks = np.outer(powers, steps).ravel()
        marks = marks[(marks >= low) & (marks <= high)]
        if marks.size <= 8:
            break
    axes.yaxis.set_major_locator(FixedLocator(marks.tolist()))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def plot_dose(axes: Axes, summary: Summary) -> None:
    """Exposures of this scan against those of the full stack."""
    axes.set_title("Dose")
    bars = (
        ("this scan", summary.planes_taken, summary.dose_ms, ACCENT),
        ("full stack", summary.planes_full_scan, summary.dose_full_scan_ms, _LIGHT),
    )
    most = max(count for _, count, _, _ in bars)
    for place, (_, count, dose_ms, colour) in enumerate(bars):
        axes.barh(place, count, height=0.42, color=colour)
        text = f"{count}" if dose_ms is None else f"{count}  ({_duration(dose_ms)})"
        axes.text(count + 0.02 * most, place, text, va="center", fontsize=9)
    axes.set_yticks(range(len(bars)), [name for name, *_ in bars])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xlim(0, 1.4 * most)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.set_xlabel("exposures")
    share = summary.planes_taken / summary.planes_full_scan
    axes.set_title(
        f"{share:.0%} of the light",
        loc="right",
        color=GREY,
        fontsize=9,
        fontweight="normal",
    )


def plot_quality(axes: Axes, summary: Summary) -> None:
    """PSNR of the volume beside the baselines of the same planes, and a full stack."""
    axes.set_title("Quality, planes not taken")
    rows = [(summary.estimator or "volume", summary.psnr_db, summary.ssim, ACCENT)]
    for name, scores in (summary.baselines or {}).items():
        if name == summary.estimator:
            continue
        found = scores or {}
        rows.append((name, found.get("psnr_db"), found.get("ssim"), GREY))
    if full := summary.full_stack:
        # of other planes: below a line
        axes.axhline(len(rows) - 0.5, color=_LIGHT, linewidth=0.8)
        rows.append(("full stack,\nas exposed", full["psnr_db"], full["ssim"], _WARM))
    known = [psnr for _, psnr, _, _ in rows if psnr is not None]
    low, high = min(known), max(known)
    margin = max(high - low, 1.0)
    for place, (_, psnr, ssim, colour) in enumerate(rows):
        if psnr is None:
            axes.text(low, place, "not made", va="center", fontsize=8, color=GREY)
            continue
        axes.plot([low - margin, psnr], [place, place], color="#e3e5e8", zorder=1)
        axes.scatter(psnr, place, s=45, color=colour, zorder=2)
        text = f"{psnr:.1f} dB" + ("" if ssim is None else f"\nSSIM {ssim:.2f}")
        axes.annotate(
            text,
            (psnr, place),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=colour,
            linespacing=1.1,
        )
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(low - 0.3 * margin, high + 0.75 * margin)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.set_xlabel("PSNR (dB)")


def plot_times(axes: Axes, decisions: Sequence[Decision]) -> None:
    """Where the time of each plane went; shown where there is no truth."""
    axes.set_title("Time a plane")
    number = np.arange(1, len(decisions) + 1)
    base = np.zeros(len(decisions))
    parts = (
        ("stage", [d.stage_ms for d in decisions], _LIGHT),
        ("camera", [d.camera_ms for d in decisions], _WARM),
        ("thinking", [d.inference_ms for d in decisions], ACCENT),
    )
    drawn = False
    for name, values, colour in parts:
        times = _series(values)
        if not np.isfinite(times).any():
            continue
        times = np.nan_to_num(times)
        axes.bar(number, times, bottom=base, color=colour, width=0.7, label=name)
        base += times
        drawn = True
    if not drawn:
        _note(axes, "times are not known")
        return
    axes.set_ylim(0, 1.3 * max(base.max(), 1e-3))
    axes.set_xlim(0.4, max(len(decisions), 2) + 0.6)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    axes.set_xlabel("plane, in the order taken")
    axes.set_ylabel("ms")
    axes.legend(loc="upper right", fontsize=8, ncols=3, handlelength=1.0)


def tidy(value: float) -> str:
    """Write a number as the axes do, with a true minus."""
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")


def _series(
    values: Sequence[float | None],
) -> NDArray[np.float64]:
    """Numbers with NaN (a gap in the curve) where unknown."""
    return np.array([np.nan if value is None else value for value in values], float)


def _duration(ms: float) -> str:
    return f"{ms:.3g} ms" if ms < 1000 else f"{ms / 1000:.3g} s"


def _note(axes: Axes, text: str) -> None:
    """Say why there is nothing to plot, in place of the plot."""
    axes.tick_params(
        which="both", left=False, bottom=False, labelleft=False, labelbottom=False
    )
    axes.set(xlabel="", ylabel="")
    axes.spines[:].set_visible(False)
    axes.text(0.0, 0.9, text, transform=axes.transAxes, va="top", color=GREY)
