"""What the figures share: one colour a contender, and a saved picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.axes import Axes

    from rmz_acquire.evaluation.result import Result

__all__ = [
    "colour",
    "labels_of",
    "legend_beside",
    "line_by_z",
    "nothing",
    "save_figure",
    "tidy",
]

_COLOURS = {
    "Recurrent-MZ": "#0072b2",
    "Recurrent-MZ on wiener": "#56b4e9",
    "widefield": "#009e73",
    "Deep-Z": "#d55e00",
    "3D U-Net": "#cc79a7",
    "richardson-lucy": "#b3003b",
    "wiener": "#e69f00",
    "linear": "#666666",
    "nearest": "#aaaaaa",
    "truth": "#000000",
    "its own": "#0072b2",
    "trained at 4 µm": "#882255",
    "trained at 6 µm": "#332288",
    "trained at 8 µm": "#117733",
    "trained sorted": "#882255",
    "trained by distance": "#332288",
    "trained shuffled": "#117733",
}


def colour(label: str) -> str:
    """Give the colour of a contender, the same in all figures."""
    return _COLOURS.get(label, "#009e73")


def labels_of(rows: list[dict[str, Any]], key: str = "estimator") -> list[str]:
    """Labels in the order in which they come first."""
    return list(dict.fromkeys(str(row[key]) for row in rows))


def line_by_z(
    axes: Axes,
    rows: list[dict[str, Any]],
    value: str,
    *,
    inputs_um: list[float] | None = None,
) -> None:
    """Draw one line a contender over z: the mean over all rows of that z.

    Parameters
    ----------
    axes : Axes
        Where.
    rows : list of dict
        With "estimator", "z_um" and the value.
    value : str
        Which.
    inputs_um : list of float, optional
        Where the input planes lie.
    """
    for label in labels_of(rows):
        by_z: dict[float, list[float]] = {}
        for row in rows:
            if row["estimator"] == label:
                by_z.setdefault(row["z_um"], []).append(row[value])
        z = sorted(by_z)
        mean = [sum(by_z[at]) / len(by_z[at]) for at in z]
        axes.plot(z, mean, color=colour(label), label=label, lw=1.5)
    for at in inputs_um or []:
        axes.axvline(at, color="#bbbbbb", lw=0.8, ls=":", zorder=0)
    axes.set_xlabel("z, µm")


def nothing(axes: Axes, why: str) -> None:
    """Say in a figure why it is empty."""
    axes.set_axis_off()
    axes.text(
        0.5, 0.5, why, ha="center", va="center", wrap=True, transform=axes.transAxes
    )


def tidy(axes: Axes) -> None:
    """Take away what frames the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def legend_beside(figure: Figure, axes: Axes) -> None:
    """Put the legend of some axes beside all of them."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=7, frameon=False)


def save_figure(
    result: Result, draw: Callable[[Result, Figure], None], path: Path
) -> None:
    """Draw an experiment and write it as PNG.

    Parameters
    ----------
    result : Result
        What was found.
    draw : callable
        Draws it on a figure.
    path : Path
        The file.
    """
    figure = Figure(figsize=(9, 4), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    draw(result, figure)
    figure.suptitle(result.title, fontsize=10)
    figure.savefig(path)
