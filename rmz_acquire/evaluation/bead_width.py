"""Fig. 3: lateral width of every isolated bead, in crowded and in sparse fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage, optimize

from rmz_acquire.evaluation.figures import colour, labels_of, nothing, tidy
from rmz_acquire.evaluation.result import Mean, Result, over_specimens

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from rmz_acquire.evaluation.context import Study

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
    data, size = study.dataset("beads"), study.size.beads
    pixel = data.optics.pixel_size_um
    inputs = study.inputs_um("beads")
    for field, options in study.config.bead_fields.items():
        for seed in study.seeds(size.seeds):
            stack = study.stack(
                "beads",
                seed,
                side_px=size.side_px,
                z_every=size.z_every,
                options=options,
            )
            places = find_beads(stack.truth)
            taken = stack.nearest(inputs)
            volumes = {"truth": stack.truth}
            for who in contenders:
                study.say(f"{KEY} {field} {seed} {who.label}")
                volumes[who.label] = study.volume(who, stack, taken)
            for number, (z, y, x) in enumerate(places):
                for label, volume in volumes.items():
                    width = width_px(volume[z], y, x)
                    result.rows.append(
                        {
                            "field": field,
                            "seed": seed,
                            "bead": number,
                            "estimator": label,
                            "z_um": round(float(stack.z_um[z]), 4),
                            "fwhm_um": None if width is None else width * pixel,
                        }
                    )
        _sum_up([r for r in result.rows if r["field"] == field], field, result)
        density = {**data.options, **options}.get("per_1000_um3")
        if density is not None:
            side = size.side_px * pixel
            number = density * side**2 * data.z_range_um / 1000
            result.notes.append(
                f"{field}: {number:.0f} beads on average in {side:.0f} × {side:.0f} × "
                f"{data.z_range_um:g} µm."
            )
    return result


def _sum_up(rows: list[dict[str, Any]], field: str, result: Result) -> None:
    result.sum_up(
        f"{field} beads: FWHM, mean",
        over_specimens(rows, "fwhm_um"),
        unit="µm",
        digits=3,
        headline=True,
    )
    result.sum_up(
        f"{field} beads: FWHM of the same beads, off the truth", _off(rows), unit="%"
    )
    widths = _widths(rows)
    true = widths.get("truth", np.zeros(0))
    divergence = {
        k: kl_divergence(v, true) for k, v in widths.items() if len(v) and k != "truth"
    }
    result.sum_up(
        f"{field} beads: KL divergence from the truth",
        divergence,
        digits=3,
        headline=True,
    )
    fitted = {k: float(len(v)) for k, v in widths.items()}
    result.sum_up(f"{field} beads: those that a Gaussian fits", fitted, digits=0)


def _widths(rows: list[dict[str, Any]]) -> dict[str, NDArray[np.float64]]:
    """All that were fitted, by estimator."""
    return {
        label: np.array(
            [
                r["fwhm_um"]
                for r in rows
                if r["estimator"] == label and r["fwhm_um"] is not None
            ]
        )
        for label in labels_of(rows)
    }


def _off(rows: list[dict[str, Any]]) -> dict[str, Mean]:
    """Mean width over the mean true width of the beads of a field, percent.

    Of the beads of which both were fitted; then the mean over fields.
    """
    fitted = {
        (r["estimator"], r["seed"], r["bead"]): r["fwhm_um"]
        for r in rows
        if r["fwhm_um"] is not None
    }
    off: dict[str, list[float]] = {}
    for label in labels_of(rows):
        for seed in sorted({r["seed"] for r in rows}):
            pairs = [
                (width, fitted["truth", seed, bead])
                for (who, of, bead), width in fitted.items()
                if (who, of) == (label, seed) and ("truth", seed, bead) in fitted
            ]
            if pairs and label != "truth":
                made, true = np.mean(pairs, axis=0)
                off.setdefault(label, []).append(float(100 * (made / true - 1)))
    return {label: Mean.of(values) for label, values in off.items()}


def draw(result: Result, figure: Figure) -> None:
    """A histogram a contender, with that of the truth behind; one row a field."""
    labels, fields = labels_of(result.rows), labels_of(result.rows, "field")
    if not labels:
        nothing(figure.subplots(), "no isolated bead in these fields")
        return
    figure.set_size_inches(1.4 * len(labels), 2.5 * len(fields))
    panels = figure.subplots(len(fields), len(labels), sharex=True, squeeze=False)
    for line, field in zip(panels, fields, strict=True):
        rows = [r for r in result.rows if r["field"] == field]
        widths, means = _widths(rows), over_specimens(rows, "fwhm_um")
        for axes, label in zip(line, labels, strict=True):
            values, mean = widths.get(label, np.zeros(0)), means.get(label)
            axes.hist(_clipped(widths["truth"]), _BINS, color="#dddddd")
            axes.hist(
                _clipped(values), _BINS, histtype="step", color=colour(label), lw=1.5
            )
            said = "no fit"
            if mean is not None:
                bar = "" if mean.error is None else f" ± {mean.error:.3f}"
                said = f"{mean.value:.3f}{bar} µm\n{len(values)} beads, n = {mean.n}"
            axes.set_title(f"{label}\n{said}", fontsize=7)
            tidy(axes)
        line[0].set_ylabel(f"{field} beads", fontsize=8)
    figure.supxlabel("FWHM, µm (truth: grey; last bin: beyond)", fontsize=8)
