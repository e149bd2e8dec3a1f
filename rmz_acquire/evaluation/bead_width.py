"""Fig. 3: lateral width of every isolated bead, by Gaussian fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage, optimize

from rmz_acquire.evaluation.figures import colour, labels_of, nothing, tidy
from rmz_acquire.evaluation.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from rmz_acquire.evaluation.study import Study

KEY, TITLE = "fig3", "Lateral full width at half maximum of isolated beads, M = 3"

_RADIUS_PX = 6
_BINS = np.linspace(0.1, 0.9, 41)


def find_beads(
    truth: NDArray[np.float32], *, apart_px: int = 10
) -> list[tuple[int, int, int]]:
    """Find beads that are in focus, bright and alone.

    Parameters
    ----------
    truth : ndarray
        (Z, Y, X) counts.
    apart_px : int
        Least lateral distance to a brighter spot and to the rim.

    Returns
    -------
    list of (int, int, int)
        z, y, x of each.
    """
    highest = truth.max(axis=0)
    size = 2 * apart_px + 1
    peak = highest == ndimage.maximum_filter(highest, size)
    dark, bright = np.percentile(highest, (20, 99.9))
    peak &= highest > dark + 0.15 * (bright - dark)
    found = []
    for y, x in np.argwhere(peak):
        inside = apart_px <= y < len(highest) - apart_px
        inside &= apart_px <= x < highest.shape[1] - apart_px
        z = int(truth[:, y, x].argmax())
        if inside and 0 < z < len(truth) - 1:
            found.append((z, int(y), int(x)))
    return found


def width_px(picture: NDArray[Any], y: int, x: int) -> float | None:
    """Full width at half maximum of a spot, mean over y and x.

    Parameters
    ----------
    picture : ndarray
        (Y, X).
    y, x : int
        Its middle.

    Returns
    -------
    float or None
        Pixels; None where no Gaussian fits.
    """
    r = _RADIUS_PX
    crop = picture[y - r : y + r + 1, x - r : x + r + 1].astype(np.float64)
    v, u = np.mgrid[-r : r + 1, -r : r + 1]

    def gauss(
        _: Any, height: float, v0: float, u0: float, sv: float, su: float, base: float
    ) -> Any:
        exponent = ((v - v0) / sv) ** 2 / 2 + ((u - u0) / su) ** 2 / 2
        return (height * np.exp(-exponent) + base).ravel()

    base = float(np.percentile(crop, 20))
    guess = (float(crop[r, r]) - base, 0.0, 0.0, 2.0, 2.0, base)
    low, high = (0, -2, -2, 0.5, 0.5, -np.inf), (np.inf, 2, 2, 2 * r, 2 * r, np.inf)
    if guess[0] <= 0:
        return None
    try:
        found, _ = optimize.curve_fit(
            gauss, None, crop.ravel(), guess, bounds=(low, high), max_nfev=200
        )
    except (RuntimeError, ValueError):
        return None
    return float(2.3548 * (found[3] + found[4]) / 2)


def kl_divergence(widths: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """Kullback-Leibler divergence of two histograms of widths, bins of 20 nm.

    Parameters
    ----------
    widths, true : ndarray
        (n,) µm.

    Returns
    -------
    float
        sum q log(q / p) of the truth q from the widths p, to each of which one count
        was added, spread over all bins.
    """
    every = 1 / (len(_BINS) - 1)
    p = np.histogram(_clipped(widths), _BINS)[0] + every
    q = np.histogram(_clipped(true), _BINS)[0] + every
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum(q * np.log(q / p)))


def _clipped(widths: NDArray[np.float64]) -> NDArray[np.float64]:
    """With what lies beyond the bins in the first and the last of them."""
    return np.clip(widths, _BINS[0], _BINS[-1])


def run(study: Study) -> Result:
    """Fit every isolated bead in the plane in which it is sharpest in truth."""
    result = Result(KEY, TITLE)
    contenders, result.missing = study.contenders("beads")
    pixel = study.dataset("beads").optics.pixel_size_um
    inputs = study.inputs_um("beads")
    size = study.size.beads
    for seed in study.seeds(size.seeds):
        stack = study.stack("beads", seed, side_px=size.side_px, z_every=size.z_every)
        places = find_beads(stack.truth)
        taken = stack.nearest(inputs)
        volumes = {"truth": stack.truth}
        for who in contenders:
            study.say(f"{KEY} {seed} {who.label}")
            volumes[who.label] = study.volume(who, stack, taken)
        for number, (z, y, x) in enumerate(places):
            for label, volume in volumes.items():
                width = width_px(volume[z], y, x)
                result.rows.append(
                    {
                        "seed": seed,
                        "bead": number,
                        "estimator": label,
                        "z_um": round(float(stack.z_um[z]), 4),
                        "fwhm_um": None if width is None else width * pixel,
                    }
                )
    widths = _widths(result)
    true = widths.get("truth", np.zeros(0))
    mean = {k: float(np.mean(v)) for k, v in widths.items() if len(v)}
    error = {k: float(np.std(v) / np.sqrt(len(v))) for k, v in widths.items() if len(v)}
    result.sum_up("FWHM, mean", mean, unit="µm", digits=3, headline=True)
    result.sum_up("FWHM, standard error", error, unit="µm", digits=4)
    result.sum_up("FWHM of the same beads, off the truth", _off(result), unit="%")
    divergence = {
        k: kl_divergence(v, true) for k, v in widths.items() if len(v) and k != "truth"
    }
    result.sum_up("KL divergence from the truth", divergence, digits=3, headline=True)
    fitted = {k: float(len(v)) for k, v in widths.items()}
    result.sum_up("beads that a Gaussian fits", fitted, digits=0)
    return result


def _widths(result: Result) -> dict[str, NDArray[np.float64]]:
    return {
        label: np.array(
            [
                r["fwhm_um"]
                for r in result.rows
                if r["estimator"] == label and r["fwhm_um"] is not None
            ]
        )
        for label in labels_of(result.rows)
    }


def _off(result: Result) -> dict[str, float]:
    """Mean width over the mean true width of the beads that were fitted, percent."""
    fitted = {
        (r["estimator"], r["seed"], r["bead"]): r["fwhm_um"]
        for r in result.rows
        if r["fwhm_um"] is not None
    }
    off = {}
    for label in labels_of(result.rows):
        pairs = [
            (width, fitted["truth", seed, bead])
            for (who, seed, bead), width in fitted.items()
            if who == label and ("truth", seed, bead) in fitted
        ]
        if pairs and label != "truth":
            made, true = np.mean(pairs, axis=0)
            off[label] = float(100 * (made / true - 1))
    return off


def draw(result: Result, figure: Figure) -> None:
    """A histogram a contender, with that of the truth behind."""
    widths = _widths(result)
    if not widths:
        nothing(figure.subplots(), "no isolated bead in these fields")
        return
    panels = figure.subplots(2, -(-len(widths) // 2), sharex=True, squeeze=False)
    for axes in panels.flat[len(widths) :]:
        axes.set_axis_off()
    for axes, (label, values) in zip(panels.flat, widths.items(), strict=False):
        axes.hist(_clipped(widths["truth"]), _BINS, color="#dddddd")
        axes.hist(_clipped(values), _BINS, histtype="step", color=colour(label), lw=1.5)
        mean = f"{np.mean(values):.3f} µm" if len(values) else "no fit"
        axes.set_title(f"{label}\n{mean}, n = {len(values)}", fontsize=7)
        tidy(axes)
    figure.supxlabel("FWHM, µm (truth: grey; last bin: beyond)", fontsize=8)
