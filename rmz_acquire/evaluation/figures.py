"""What the figures share: one colour a contender, and a saved picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rmz_acquire.evaluation.result import over_specimens

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.axes import Axes

    from rmz_acquire.evaluation.result import Result

__all__ = [
    "by_group",
    "colour",
    "curves",
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
    """Draw one line a contender over z: the mean over specimens ± its error.

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
        ours = [row for row in rows if row["estimator"] == label]
        found = sorted(over_specimens(ours, value, "z_um").items())
        z = [at for at, _ in found]
        means = [mean.value for _, mean in found]
        axes.plot(z, means, color=colour(label), label=label, lw=1.5)
        low = [mean.value - (mean.error or 0) for _, mean in found]
        high = [mean.value + (mean.error or 0) for _, mean in found]
        axes.fill_between(z, low, high, color=colour(label), alpha=0.15, lw=0)
    for at in inputs_um or []:
        axes.axvline(at, color="#bbbbbb", lw=0.8, ls=":", zorder=0)
    axes.set_xlabel("z, µm")


def curves(axes: Axes, rows: list[dict[str, Any]], value: str, over: str) -> None:
    """Draw one line a contender, with an error bar at each of few numbers.

    Parameters
    ----------
    axes : Axes
        Where.
    rows : list of dict
        With "estimator" and the two below.
    value, over : str
        What is drawn, and over what.
    """
    labels = labels_of(rows)
    for k, label in enumerate(labels):
        aside = 0.05 * (k - (len(labels) - 1) / 2)  # so that no bar hides another
        ours = [row for row in rows if row["estimator"] == label]
        found = sorted(over_specimens(ours, value, over).items())
        axes.errorbar(
            [at + aside for at, _ in found],
            [mean.value for _, mean in found],
            yerr=[np.nan if m.error is None else m.error for _, m in found],
            fmt="o-",
            ms=3,
            lw=1.5,
            elinewidth=0.8,
            capsize=2,
            color=colour(label),
            label=label,
        )
    tidy(axes)


def by_group(
    axes: Axes,
    groups: dict[str, list[dict[str, Any]]],
    value: str,
    *,
    points: bool = False,
) -> None:
    """Draw a bar or a point a contender in every group, with its error.

    Parameters
    ----------
    axes : Axes
        Where.
    groups : dict of str to list of dict
        Rows by the title of their group.
    value : str
        Which.
    points : bool
        Points in place of bars: for what has no zero.
    """
    labels = labels_of([row for rows in groups.values() for row in rows])
    width = 0.8 / max(1, len(labels))
    for k, label in enumerate(labels):
        shift = (k - (len(labels) - 1) / 2) * width
        for i, rows in enumerate(groups.values()):
            mean = over_specimens(rows, value).get(label)
            if mean is None:
                continue
            if not points:
                axes.bar(i + shift, mean.value, width, color=colour(label))
            axes.errorbar(
                i + shift,
                mean.value,
                yerr=mean.error,
                fmt="o" if points else "none",
                elinewidth=0.8,
                capsize=2,
                color=colour(label),
                ecolor=colour(label) if points else "black",
            )
        key = "o" if points else "s"
        axes.plot([], [], key, color=colour(label), label=label)
    axes.set_xticks(range(len(groups)), list(groups))
    tidy(axes)


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
