"""What the figures share: one colour a contender, and a saved picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rmz_acquire.evaluation.result import Rows, in_order, over_specimens, where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from rmz_acquire.evaluation.result import Result

__all__ = [
    "boxes",
    "by_group",
    "colour",
    "curves",
    "labels_of",
    "legend_beside",
    "line_by_z",
    "nothing",
    "panels",
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
    "richardson-lucy + on-layers": "#5b2a86",
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


def labels_of(rows: Rows, key: str = "estimator") -> list[str]:
    """Labels, those of networks in one order, others as they come first."""
    return in_order(str(row[key]) for row in rows)


def line_by_z(axes: Axes, rows: Rows, value: str) -> None:
    """Draw one line a contender over z: the mean over specimens ± its error.

    Parameters
    ----------
    axes : Axes
        Where.
    rows : list of dict
        With "estimator", "z_um", "input" and the value.
    value : str
        Which.
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
    for at in {row["z_um"] for row in rows if row["input"]}:
        axes.axvline(at, color="#bbbbbb", lw=0.8, ls=":", zorder=0)
    axes.set_xlabel("z, µm")
    tidy(axes)


def curves(axes: Axes, rows: Rows, value: str, over: str = "planes") -> None:
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
    axes.set_xticks(sorted({row[over] for row in rows}))
    axes.set_xlabel("planes, M")
    tidy(axes)


def by_group(
    axes: Axes, rows: Rows, value: str, *, named: str, points: bool = False
) -> None:
    """Draw a bar a contender in every group, with its error.

    Parameters
    ----------
    axes, rows, value
        As of `curves`.
    named : str
        Title of a row's group, with its facts in braces.
    points : bool
        Points in place of bars: for what has no zero.
    """
    for label, width, places in _places(axes, rows, named):
        for at, ours in places:
            mean = over_specimens(ours, value).get(label)
            if mean is None:
                continue
            if not points:
                axes.bar(at, mean.value, width, color=colour(label))
            axes.errorbar(
                at,
                mean.value,
                yerr=mean.error,
                fmt="o" if points else "none",
                elinewidth=0.8,
                capsize=2,
                color=colour(label),
                ecolor=colour(label) if points else "black",
            )
        axes.plot([], [], "o" if points else "s", color=colour(label), label=label)
    tidy(axes)


def boxes(axes: Axes, rows: Rows, value: str, *, named: str) -> None:
    """Draw a box of all rows a contender and group; the rest as of `by_group`."""
    for label, width, places in _places(axes, rows, named):
        drawn = axes.boxplot(
            [[row[value] for row in ours] for _, ours in places],
            positions=[at for at, _ in places],
            widths=0.8 * width,
            manage_ticks=False,
            patch_artist=True,
            flierprops={"markersize": 2},
            medianprops={"color": "black"},
        )
        for box in drawn["boxes"]:
            box.set_facecolor(colour(label))
        axes.plot([], [], "s", color=colour(label), label=label)
    tidy(axes)


def _places(
    axes: Axes, rows: Rows, named: str
) -> Iterator[tuple[str, float, list[tuple[float, Rows]]]]:
    """Of every contender: label, width, and where its rows of each group stand."""
    groups: dict[str, Rows] = {}
    for row in rows:
        groups.setdefault(named.format(**row), []).append(row)
    axes.set_xticks(range(len(groups)), list(groups))
    labels = labels_of(rows)
    width = 0.8 / len(labels)
    for k, label in enumerate(labels):
        shift = (k - (len(labels) - 1) / 2) * width
        yield (
            label,
            width,
            [
                (i + shift, where(group, estimator=label))
                for i, group in enumerate(groups.values())
            ],
        )


def panels(
    draw: Callable[[Axes, Rows, str], None],
    values: dict[str, str],
    *,
    split: str | tuple[str, ...] = (),
    named: str = "",
    across: str = "",
    logarithmic: str = "",
    tall: bool = False,
    level: bool = False,
    empty: str = "nothing to show",
    **facts: Any,
) -> Callable[[Result, Figure], None]:
    """Make what draws a figure: one panel a value, or a value and fact.

    Parameters
    ----------
    draw : callable
        Draws a panel: `line_by_z`, `curves`, `by_group` or `boxes`.
    values : dict of str to str
        What is shown, with the title of its axis.
    split : str or tuple of str
        By which facts rows go to panels of their own.
    named : str
        Title of a panel, with its facts in braces.
    across : str
        Title of the axes across, in place of the helper's.
    logarithmic : str
        The value on a logarithmic axis.
    tall : bool
        Panels of one value below each other: for those that are wide, or many.
    level : bool
        Panels beside each other have one scale.
    empty : str
        What is said where there are no rows.
    **facts
        What holds for all rows shown.

    Returns
    -------
    callable
    """

    def drawn(result: Result, figure: Figure) -> None:
        rows = where(result.rows, **facts)
        if not rows:
            nothing(figure.subplots(), empty)
            return
        names = (split,) if isinstance(split, str) else split
        each = dict.fromkeys(tuple(row[name] for name in names) for row in rows)
        parts = [where(rows, **dict(zip(names, fact, strict=True))) for fact in each]
        down, along = (len(values), len(parts)) if split else (1, len(values))
        if tall:
            down, along = along, down
        if down > 1:
            figure.set_size_inches(9, max(6, 2.2 * down))
        elif along > 3:
            figure.set_size_inches(12, 4)
        grid = figure.subplots(down, along, squeeze=False, sharey=level)
        cells = [(value, part) for value in values for part in parts]
        order = grid.T if tall else grid
        for axes, (value, part) in zip(order.flat, cells, strict=True):
            draw(axes, part, value)
            axes.set_ylabel(values[value])
            title = [named.format(**part[0])] if named else []
            if "seed" in part[0]:
                n = len({(row.get("specimen"), row["seed"]) for row in part})
                title.append(f"n = {n}")
            axes.set_title(", ".join(title), fontsize=8)
            if across:
                axes.set_xlabel(across)
            if value == logarithmic:
                axes.set_yscale("log")
        legend_beside(figure)

    return drawn


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


def legend_beside(figure: Figure) -> None:
    """Put one legend beside all axes, of everyone who is in any of them."""
    shown: dict[str, Artist] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            shown.setdefault(label, handle)
    named = in_order(shown)
    figure.legend(
        [shown[label] for label in named],
        named,
        loc="outside right upper",
        fontsize=7,
        frameon=False,
    )


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
