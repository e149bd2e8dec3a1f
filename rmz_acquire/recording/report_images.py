"""The report's images: a plane that was not measured, and an axial section."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patheffects import withStroke

from rmz_acquire.recording.report_plots import ACCENT, GREY, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from numpy.typing import NDArray

    from rmz_acquire.recording.summary import Summary

__all__ = ["ImageGrid"]

Place = Callable[[float, float, float, float], "Axes"]

# uniform to the eye, and dark where there is no light
_COLOUR_MAP = "inferno"
_SCALE_PERCENTILES = (1.0, 99.8)
# inches; a title needs its room above a narrow image too
_TITLE_WIDTH = 2.4
_GAP_X, _GAP_Y, _BAR_GAP, _BAR_WIDTH, _BAR_TEXT = 0.2, 0.5, 0.12, 0.13, 0.55
_WIDTH_PAIR, _WIDTH_SINGLE, _HEIGHT_MOST = 3.3, 4.2, 4.6
_LEAST_FOR_BAR = 1.2
_FLATTEST, _TALLEST = 0.25, 1.35
LEFT, RIGHT = "left", "right"
_OUTLINE = [withStroke(linewidth=2, foreground="black")]


class ImageGrid:
    """The image part of the page, in inches.

    Parameters
    ----------
    volume, truth : ndarray, (Z, Y, X)
        Camera counts; the truth may be None.
    summary : Summary
        For the grid, the planes taken, the pixel size and what the truth is.
    """

    def __init__(
        self, volume: NDArray[Any], truth: NDArray[Any] | None, summary: Summary
    ) -> None:
        self._stacks = {"volume": volume} | ({} if truth is None else {"truth": truth})
        reference = volume if truth is None else truth
        recorded = summary.scored_against == "recorded stack"
        self._truth_title = "Recorded" if recorded else "Truth"
        self._z_um = np.asarray(summary.z_um)
        self._taken_um = np.asarray(summary.z_taken_um)
        self._pixel_um = summary.pixel_size_um
        _, self._rows, self._cols = volume.shape
        self._plane, self._row = _choose_cut(reference, self._z_um, self._taken_um)
        self._scale = _colour_scale(reference[self._plane], reference[:, self._row])

        single = len(self._stacks) == 1
        widest = _WIDTH_SINGLE if single else _WIDTH_PAIR
        shape = self._rows / self._cols
        self._panel = max(min(widest, _HEIGHT_MOST / shape), 0.5)
        self._pitch = max(self._panel, _TITLE_WIDTH) + _GAP_X
        self._xy_height = min(self._panel * shape, _HEIGHT_MOST)
        true_ratio = self._true_xz_ratio()
        ratio = float(np.clip(true_ratio or 0.6, _FLATTEST, _TALLEST))
        self._stretch = ratio / true_ratio if true_ratio else None
        self._xz_height = self._panel * ratio

        columns = len(self._stacks)
        self.width = (
            (columns - 1) * self._pitch
            + self._panel
            + _BAR_GAP
            + _BAR_WIDTH
            + _BAR_TEXT
        )
        self.height = self._xy_height + _GAP_Y + self._xz_height

    def draw(self, figure: Figure, place: Place, *, left: float) -> None:
        """Draw all panels and the colour bar, `left` inches from the edge."""
        shown: AxesImage | None = None
        x = left
        for number, (name, stack) in enumerate(self._stacks.items()):
            xy = place(x, 0, self._panel, self._xy_height)
            shown = self._draw_xy(xy, stack, name, first=number == 0)
            xz = place(x, self._xy_height + _GAP_Y, self._panel, self._xz_height)
            self._draw_xz(xz, stack, first=number == 0)
            x += self._pitch
        bar = place(
            x - self._pitch + self._panel + _BAR_GAP, 0, _BAR_WIDTH, self._xy_height
        )
        if shown is not None:
            figure.colorbar(shown, cax=bar, label="camera counts")
            bar.yaxis.label.set_fontsize(8)
            bar.tick_params(labelsize=8, length=3)
            bar.spines[:].set_visible(False)

    def _draw_xy(
        self, axes: Axes, stack: NDArray[Any], name: str, *, first: bool
    ) -> AxesImage:
        low, high = self._scale
        shown = axes.imshow(
            stack[self._plane],
            cmap=_COLOUR_MAP,
            vmin=low,
            vmax=high,
            aspect="auto",
        )
        z = self._z_um[self._plane]
        title = self._truth_title
        if first:
            title = f"{name.capitalize()}, xy at z = {tidy(z)} µm"
        axes.set_title(title)
        _bare(axes)
        _point_at(axes, self._row, GREY, sides=(LEFT, RIGHT))
        if first:
            self._scale_bar(axes)
        return shown

    def _draw_xz(self, axes: Axes, stack: NDArray[Any], *, first: bool) -> None:
        low, high = self._scale
        edges = _edges(self._z_um)
        axes.pcolormesh(
            np.arange(self._cols + 1) - 0.5,
            edges,
            stack[:, self._row],
            cmap=_COLOUR_MAP,
            vmin=low,
            vmax=high,
            rasterized=True,
        )
        axes.set_xlim(-0.5, self._cols - 0.5)
        axes.set_ylim(edges[0], edges[-1])
        _bare(axes)
        if first:
            axes.set_title(f"xz{self._stretch_text()}, planes taken ▸")
            axes.set_ylabel("z (µm)")
            axes.tick_params(left=True, labelleft=True, length=3, labelsize=8, pad=7)
            self._scale_bar(axes)
        else:
            axes.set_title(self._truth_title)
        for z in self._taken_um:
            _point_at(axes, z, ACCENT, sides=(LEFT,))
        _point_at(axes, self._z_um[self._plane], GREY, sides=(RIGHT,))

    def _scale_bar(self, axes: Axes) -> None:
        """Draw a bar of a round length in the lower right corner."""
        if self._pixel_um is None or self._panel < _LEAST_FOR_BAR:
            return
        field = self._cols * self._pixel_um
        length = _round_length(field / 5)
        right = self._cols - 0.5 - 0.05 * self._cols
        start = right - length / self._pixel_um
        transform = axes.get_xaxis_transform()
        axes.plot(
            [start, right],
            [0.06, 0.06],
            color="white",
            linewidth=2.5,
            solid_capstyle="butt",
            transform=transform,
            path_effects=_OUTLINE,
        )
        axes.text(
            (start + right) / 2,
            0.085,
            f"{length:g} µm",
            color="white",
            fontsize=8,
            ha="center",
            va="bottom",
            transform=transform,
            path_effects=_OUTLINE,
        )

    def _true_xz_ratio(self) -> float | None:
        if self._pixel_um is None:
            return None
        edges = _edges(self._z_um)
        return float((edges[-1] - edges[0]) / (self._cols * self._pixel_um))

    def _stretch_text(self) -> str:
        if self._stretch is None or abs(self._stretch - 1) < 0.02:
            return ""
        return f" (z ×{self._stretch:.2g})"


def _choose_cut(
    stack: NDArray[Any], z_um: NDArray[np.float64], taken_um: NDArray[np.float64]
) -> tuple[int, int]:
    """Choose the unmeasured plane and the row in it with the most contrast.

    A plane that was measured would only show the measurement again. Among the
    others, those far from every taken plane tell most, so the nearer half is left out.
    """
    away = np.full(z_um.size, np.inf)
    if taken_um.size:
        away = np.abs(z_um[:, None] - taken_um[None, :]).min(axis=1)
    candidates = np.flatnonzero(away >= np.median(away))
    contrast = [float(stack[i].std(dtype=np.float64)) for i in candidates]
    plane = int(candidates[int(np.argmax(contrast))])
    image = stack[plane].astype(np.float64)
    margin = image.shape[0] // 8
    inner = image[margin : image.shape[0] - margin]
    row = margin + int(np.argmax(inner.std(axis=1)))
    return plane, row


def _colour_scale(*shown: NDArray[Any]) -> tuple[float, float]:
    """Range that shows these images well: a bead is few pixels of a whole stack."""
    pixels = np.concatenate([image.ravel() for image in shown])
    low, high = (float(v) for v in np.percentile(pixels, _SCALE_PERCENTILES))
    return low, high if high > low else low + 1


def _edges(z_um: NDArray[np.float64]) -> NDArray[np.float64]:
    """Borders of the cells around grid positions."""
    middle = (z_um[1:] + z_um[:-1]) / 2
    return np.concatenate(
        [[2 * z_um[0] - middle[0]], middle, [2 * z_um[-1] - middle[-1]]]
    )


def _round_length(about: float) -> float:
    """1, 2 or 5 times a power of ten, at or below `about`."""
    power = 10.0 ** np.floor(np.log10(about))
    return float(max(f * power for f in (1, 2, 5) if f * power <= about * 1.0001))


def _point_at(axes: Axes, y: float, colour: str, *, sides: tuple[str, ...]) -> None:
    """Point at a height of an image from outside its edges."""
    for side in sides:
        axes.annotate(
            "",
            (0.0 if side == LEFT else 1.0, y),
            xycoords=axes.get_yaxis_transform(),
            xytext=(-8 if side == LEFT else 8, 0),
            textcoords="offset points",
            arrowprops={
                "arrowstyle": "-|>,head_length=0.45,head_width=0.22",
                "color": colour,
                "linewidth": 0,
                "shrinkA": 0,
                "shrinkB": 0.5,
            },
            annotation_clip=False,
        )


def _bare(axes: Axes) -> None:
    axes.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
    axes.spines[:].set_visible(False)
