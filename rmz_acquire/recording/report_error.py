"""The report's panel of predicted error along z, and what it says of bleaching."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.recording.report_plots import ACCENT, GREY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from rmz_acquire.recording.summary import Summary

__all__ = ["fading_in_words", "has_error", "note_fading", "plot_error"]

_FILL = "#d6e4f5"


def has_error(summary: Summary) -> bool:
    """Whether there is anything to plot."""
    return bool((summary.output_planes or {}).get("predicted_error"))


def plot_error(axes: Axes, summary: Summary) -> None:
    """Predicted error and distance to the nearest plane taken, along z.

    Planes that were taken are marked; all others are inferred.
    """
    axes.set_title("Predicted error along z")
    told = summary.output_planes or {}
    z_um, measured = (np.array(told[name]) for name in ("z_um", "measured"))
    error = 100 * np.array(told["predicted_error"], float)
    nearest_um = np.array(told["nearest_um"], float)
    axes.fill_between(z_um, 0, error, color=_FILL, linewidth=0)
    axes.plot(z_um, error, color=ACCENT, linewidth=1.5, label="predicted error")
    axes.plot(
        z_um[measured],
        error[measured],
        "o",
        color=ACCENT,
        markersize=5,
        label="measured",
        clip_on=False,
        zorder=3,
    )
    axes.set_xlim(z_um[0], z_um[-1])
    axes.set_ylim(0, 1.35 * max(float(np.nanmax(error)), 1e-6))
    axes.set_xlabel("z (µm)")
    axes.set_ylabel("% of the light")
    beside = axes.twinx()
    beside.spines["right"].set_visible(True)
    (away,) = beside.plot(
        z_um,
        nearest_um,
        color=GREY,
        linewidth=1,
        linestyle=":",
        label="distance",
    )
    beside.set_ylim(0, 1.35 * max(float(np.nanmax(nearest_um)), 1e-6))
    beside.set_ylabel("to the nearest measured plane (µm)", fontsize=8, color=GREY)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        [*handles, away],
        [*labels, "distance"],
        loc="upper left",
        fontsize=8,
        ncols=3,
        handlelength=1.4,
        columnspacing=1.2,
        borderaxespad=0.2,
    )


def note_fading(axes: Axes, summary: Summary) -> None:
    """Say below the plot of the dose what the light lost meanwhile."""
    if summary.exposures:
        said = fading_in_words(summary.fading)
        axes.set_xlabel(f"{axes.get_xlabel()}   ·   bleaching: {said}")


def fading_in_words(fading: Mapping[str, Any] | None) -> str:
    """Say what the light lost from the first plane to the last, or that none is seen.

    Parameters
    ----------
    fading : mapping or None
        As of `Summary`.
    """
    if fading is None:
        return "cannot be told"
    lost, uncertainty = 100 * fading["lost"], 100 * fading["uncertainty"]
    if not fading["seen"]:
        return f"not seen (less than {max(lost + uncertainty, 1.0):.2g} %)"
    return f"{lost:.2g} ± {uncertainty:.1g} %"
