"""``report.png``: what happened in a run, on one page.

Left, the volume (beside the truth where there is one) in one plane that was not
measured and in an axial section; right, where planes were taken, how the volume
settled, what it cost the specimen, how good it is, how wrong each plane is expected to
be and, where several estimates were compared, how well each predicted the planes; below
these, every term of the stop rule at every plane, with its limit. Laid out in inches by
hand: the images keep their true proportions and everything else aligns with them.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.style import context

from rmz_acquire.atomic_io import replace_file
from rmz_acquire.recording.report_error import has_error, note_fading, plot_error
from rmz_acquire.recording.report_images import ImageGrid
from rmz_acquire.recording.report_plots import (
    ACCENT,
    GREY,
    plot_candidates,
    plot_change,
    plot_dose,
    plot_quality,
    plot_taken,
    plot_times,
    tidy,
)
from rmz_acquire.recording.report_terms import plot_terms, terms_height

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from rmz_acquire.recording.summary import Summary
    from rmz_acquire.scanning import Decision

__all__ = ["write_report"]

_STYLE: dict[str, Any] = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "legend.frameon": False,
}

_TITLES = {
    "converged": "Converged",
    "max_planes": "Not converged",
    "budget": "Out of budget",
    "list_done": "List done",
    "misfit": "Optics do not fit",
    "aborted": "Aborted",
    "stopped": "Stopped by the user",
    "failed": "Failed",
}

# inches
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.75, 0.35, 1.35, 0.95
_PLOT_WIDTH, _PLOT_GAP_X, _PLOT_GAP_Y = 2.9, 0.95, 0.95
_SECOND_AXIS = 0.35
_LEAST_HEIGHT = 5.2
_DPI = 130


def write_report(
    path: Path,
    summary: Summary,
    decisions: Sequence[Decision],
    *,
    volume: NDArray[Any] | None,
    truth: NDArray[Any] | None = None,
) -> None:
    """Draw a run and save it as a picture.

    Parameters
    ----------
    path : Path
        The picture, by its usual name ``report.png``; replaced where it exists.
    summary : Summary
        How it went.
    decisions : sequence of Decision
        One a plane, in order.
    volume, truth : ndarray, (Z, Y, X), or None
        Camera counts; both are shown on the truth's colour scale.
    """
    # one style for the page, whatever the user's own is
    with context(["default", _STYLE]), replace_file(path) as file:
        figure = _draw(summary, decisions, volume, truth)
        figure.savefig(file, dpi=_DPI, format="png")


def draw_report(
    summary: Summary,
    decisions: Sequence[Decision],
    *,
    volume: NDArray[Any] | None,
    truth: NDArray[Any] | None = None,
) -> Figure:
    """Draw the page; parameters as `write_report`."""
    with context(["default", _STYLE]):
        return _draw(summary, decisions, volume, truth)


def _draw(
    summary: Summary,
    decisions: Sequence[Decision],
    volume: NDArray[Any] | None,
    truth: NDArray[Any] | None,
) -> Figure:
    figure = Figure(facecolor="white")
    FigureCanvasAgg(figure)
    images = None if volume is None else ImageGrid(volume, truth, summary)
    table = terms_height(decisions)
    below = table + _PLOT_GAP_Y if table else 0.0
    height = max(_LEAST_HEIGHT + below, images.height if images else 0)
    plots_left = _LEFT + (images.width + 0.75 if images else 0)
    compared = any(decision.predictions for decision in decisions)
    expected = has_error(summary)
    columns = [
        plots_left + n * (_PLOT_WIDTH + _PLOT_GAP_X)
        for n in range(2 + (compared or expected))
    ]
    right = _RIGHT + (_SECOND_AXIS if expected else 0)
    size = (columns[-1] + _PLOT_WIDTH + right, _TOP + height + _BOTTOM)
    figure.set_size_inches(*size)

    def place(x: float, y: float, width: float, tall: float) -> Axes:
        """Axes by inches from the left and from the top of the body."""
        bottom = size[1] - _TOP - y - tall
        return figure.add_axes(
            (x / size[0], bottom / size[1], width / size[0], tall / size[1])
        )

    if images:
        images.draw(figure, place, left=_LEFT)
    upper = height - below
    half = (upper - _PLOT_GAP_Y) / 2
    rows = (0.0, half + _PLOT_GAP_Y)
    plot_taken(place(columns[0], rows[0], _PLOT_WIDTH, half), summary, decisions)
    plot_change(place(columns[1], rows[0], _PLOT_WIDTH, half), summary, decisions)
    dose = place(columns[0], rows[1], _PLOT_WIDTH, half)
    plot_dose(dose, summary)
    note_fading(dose, summary)
    corner = place(columns[1], rows[1], _PLOT_WIDTH, half)
    if summary.psnr_db is not None:
        plot_quality(corner, summary)
    else:
        plot_times(corner, decisions)
    if compared:
        high = half if expected else upper
        axes = place(columns[2], rows[0], _PLOT_WIDTH, high)
        plot_candidates(axes, summary, decisions)
    if expected:
        plot_error(place(columns[2], rows[compared], _PLOT_WIDTH, half), summary)
    if table:
        wide = columns[-1] - columns[0]
        cells = place(plots_left + _PLOT_WIDTH, upper + _PLOT_GAP_Y, wide, table)
        plot_terms(cells, summary, decisions, _PLOT_WIDTH)
    _head(figure, size, summary)
    return figure


def _head(figure: Figure, size: tuple[float, float], summary: Summary) -> None:
    """Title, reason and the small print."""
    wide, high = size
    color = ACCENT if summary.stop_reason in ("converged", "list_done") else "#b3261e"
    figure.text(
        _LEFT / wide,
        1 - 0.32 / high,
        f"{_TITLES[str(summary.stop_reason)]} after {summary.planes_taken} of "
        f"{summary.planes_full_scan} planes",
        fontsize=16,
        fontweight="bold",
        color=color,
        va="top",
    )
    reason = textwrap.shorten(summary.reason, int(13 * (wide - _LEFT)), placeholder="…")
    figure.text(
        _LEFT / wide,
        1 - 0.68 / high,
        reason[:1].upper() + reason[1:],
        fontsize=10,
        color=GREY,
        va="top",
    )
    figure.text(
        _LEFT / wide,
        0.2 / high,
        textwrap.shorten(
            _small_print(summary), int(15.5 * (wide - _LEFT)), placeholder="…"
        ),
        fontsize=8,
        color=GREY,
        va="bottom",
    )


def _small_print(summary: Summary) -> str:
    parts = []
    if summary.estimator:
        parts.append(summary.estimator)
    if summary.model:
        parts.append(f"model {summary.model}")
    optics = summary.optics or {}
    if "na" in optics:
        parts.append(f"NA {optics['na']:g}")
    if "wavelength_um" in optics:
        parts.append(f"{1000 * optics['wavelength_um']:.0f} nm")
    if summary.pixel_size_um is not None:
        parts.append(f"pixel {summary.pixel_size_um:g} µm")
    z_um = np.asarray(summary.z_um)
    parts.append(
        f"z {tidy(z_um[0])} to {tidy(z_um[-1])} µm, step {np.diff(z_um).min():.3g} µm"
    )
    parts.append(f"{summary.started:%Y-%m-%d %H:%M} UTC")
    return "   ·   ".join(parts)
