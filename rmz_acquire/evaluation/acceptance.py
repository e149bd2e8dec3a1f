"""What a good estimator reaches in the experiments, and whether it was reached."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "BY_DEFAULT",
    "COMPARED",
    "DEFAULT_GAIN",
    "DEFAULT_LEAST",
    "GAIN",
    "LAYERS",
    "LEAST",
    "RELEASED",
    "Goal",
    "goals",
]

RELEASED = ("Recurrent-MZ on wiener", "widefield")
"""Models that scans may use: the goals are theirs."""

COMPARED = "Recurrent-MZ"
"""The paper's network, held against the same."""

LAYERS = "richardson-lucy"
"""What needs no model; with goals of its own."""

BY_DEFAULT = "richardson-lucy + on-layers"
"""What scans use where nobody names an estimator and the network knows the microscope;
elsewhere that is richardson-lucy alone."""

GAIN, LEAST = "gain over wiener", "least gain of a specimen over wiener"
DEFAULT_GAIN, DEFAULT_LEAST = (
    f"gain over {LAYERS}",
    f"least gain of a specimen over {LAYERS}",
)
"""Lines of quality against exposures, after "set, M=…: "."""

MODELS = (*RELEASED, COMPARED)

_NUCLEUS = "wf_nucleus_40x12w.tif"
"""A real stack whose optics are known."""

_EQUAL = "beads 20x"
"""The set on which the paper's network and its competitors have one budget."""

_OVER_WIENER = (
    ("nuclei 20x, M=3", 8.0),
    ("filaments 20x, M=3", 2.0),
    (f"{_EQUAL}, M=3", 0.6),
    ("nuclei 20x, M=15", 6.0),
    ("filaments 20x, M=15", 2.5),
    (f"{_EQUAL}, M=15", 2.0),
    ("nuclei 63x, M=3", 6.0),
    ("neurons, M=3", 6.0),
    ("filaments 63x, M=3", 0.9),
    ("beads, M=3", 0.25),
)
"""What richardson-lucy has to gain, dB: the neurons are nuclei over 18 µm of depth."""

Summaries = dict[str, list[dict[str, Any]]]
"""Lines of the table by experiment."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One line: what is asked of whom, and what was measured.

    Attributes
    ----------
    goal : str
        In words, with the limit.
    experiment, estimator : str
        Where, and of whom.
    measured, limit : float
        In `unit`.
    unit : str
        Of both.
    met : bool
        Whether it holds.
    """

    goal: str
    experiment: str
    estimator: str
    measured: float
    limit: float
    unit: str
    met: bool

    @property
    def compared(self) -> bool:
        """Whether it is of a network that is there to be compared with only."""
        return self.estimator == COMPARED

    def to_dict(self) -> dict[str, Any]:
        """Give it for JSON and CSV."""
        return asdict(self)


def goals(summaries: Summaries) -> list[Goal]:
    """Hold what was measured against the goals; those not measured are left out.

    Parameters
    ----------
    summaries : dict of str to list of dict
        By experiment, the lines of its table: see `Result.sum_up`.

    Returns
    -------
    list of Goal
    """
    return [
        found
        for part in (_quality, _beads, _errors, _orders, _real, _layers, _default)
        for found in part(summaries)
    ]


def _values(summaries: Summaries, experiment: str, start: str) -> dict[str, float]:
    """What was measured in the line that starts so, by estimator."""
    for line in summaries.get(experiment, []):
        if line["quantity"].startswith(start):
            return {k: v for k, v in line["values"].items() if v is not None}
    return {}


def _quality(summaries: Summaries) -> Iterator[Goal]:
    best = {"beads": (4.0, 1.5), "neurons": (2.5, 1.0)}
    yield from _trained_as_long(summaries)
    for name, (over_lines, over_wiener) in best.items():
        values = _values(summaries, "fig2", f"{name}, M=3: PSNR, all")
        least = _values(summaries, "fig2", f"{name}, M=3: least gain over wiener")
        lines = [values[k] for k in ("linear", "nearest") if k in values]
        others = (
            ("the better of nearest and linear", max(lines, default=None), over_lines),
            ("wiener", values.get("wiener"), over_wiener),
            ("Deep-Z", values.get("Deep-Z"), 1.5),
        )
        for who in MODELS:
            if who not in values:
                continue
            for other, theirs, limit in others:
                if theirs is not None:
                    what = f"{name}, M=3: over {other} by {limit:g} dB or more"
                    gain = values[who] - theirs
                    yield Goal(what, "fig2", who, gain, limit, "dB", gain >= limit)
            if who in least:
                what = f"{name}, M=3: nowhere in reach below wiener by over 0.1 dB"
                met = least[who] >= -0.1
                yield Goal(what, "fig2", who, least[who], -0.1, "dB", met)


def _trained_as_long(summaries: Summaries) -> Iterator[Goal]:
    """Where the networks of the paper have seen as much as each other."""
    values = _values(summaries, "fig2", f"{_EQUAL}, M=3: PSNR, all")
    asked = [(COMPARED, "linear", 1.0), (COMPARED, "Deep-Z", 0.0)]
    asked += [(who, "Deep-Z", 1.5) for who in RELEASED]
    for who, other, limit in asked:
        if {who, other} <= set(values):
            gain = values[who] - values[other]
            least = f" by {limit:g} dB or more" if limit else ""
            met = gain >= limit if limit else gain > 0
            what = f"{_EQUAL}, M=3: over {other}{least}"
            yield Goal(what, "fig2", who, gain, limit, "dB", met)


def _beads(summaries: Summaries) -> Iterator[Goal]:
    for field in ("crowded", "sparse"):
        off = _values(summaries, "fig3", f"{field} beads: FWHM of the same")
        kl = _values(summaries, "fig3", f"{field} beads: KL divergence")
        for who in MODELS:
            if who in off:
                what = f"{field} beads: mean FWHM within 1 % of the truth"
                yield Goal(what, "fig3", who, off[who], 1.0, "%", abs(off[who]) <= 1)
            if who in kl and "Deep-Z" in kl:
                what = f"{field} beads: KL divergence below that of Deep-Z"
                limit = kl["Deep-Z"]
                yield Goal(what, "fig3", who, kl[who], limit, "", kl[who] < limit)


def _errors(summaries: Summaries) -> Iterator[Goal]:
    # 1 µm is less under a weaker objective: asked of the paper's own alone
    grown = _values(summaries, "fig5", "neurons: NRMSE gained at σ = 1 µm")
    for who in MODELS:
        if who in grown:
            what = "neurons: NRMSE grows by 20 % at most at σ = 1 µm"
            yield Goal(what, "fig5", who, grown[who], 20.0, "%", grown[who] <= 20)


def _orders(summaries: Summaries) -> Iterator[Goal]:
    limit, other = 5.0, "3D U-Net"
    for name in ("neurons", _EQUAL):
        spread = _values(summaries, "fig6", f"{name}: spread over orders")
        for who in MODELS:
            if who in spread:
                what = f"{name}: spread over the 6 orders below 5 % of the RMSE"
                met = spread[who] < limit
                yield Goal(what, "fig6", who, spread[who], limit, "%", met)
        if other in spread:
            what = f"{name}: that of the 3D U-Net is not"
            met = spread[other] >= limit
            yield Goal(what, "fig6", other, spread[other], limit, "%", met)


def _real(summaries: Summaries) -> Iterator[Goal]:
    for line in summaries.get("real", []):
        values = line["values"]
        theirs = [values[k] for k in ("wiener", "linear") if values.get(k) is not None]
        for who in (*RELEASED, LAYERS):
            if values.get(who) is not None and theirs:
                stack = line["quantity"].removesuffix(": PSNR")
                what, gain = (
                    f"{stack}: over wiener and linear",
                    values[who] - max(theirs),
                )
                yield Goal(what, "real", who, gain, 0.0, "dB", gain > 0)


def _layers(summaries: Summaries) -> Iterator[Goal]:
    """What the estimator without a model gains over wiener, and where it loses."""
    for experiment, start, limit in (
        ("real", f"{_NUCLEUS}, M=3: PSNR", 0.4),
        ("real", f"{_NUCLEUS}, M=5: PSNR", 0.9),
        ("fig2", "beads, M=3: PSNR, all", 0.25),
        *(("exposures", f"{of}: PSNR", limit) for of, limit in _OVER_WIENER),
    ):
        values = _values(summaries, experiment, start)
        if {LAYERS, "wiener"} <= set(values):
            where = start.partition(": ")[0]
            what = f"{where}: over wiener by {limit:g} dB or more"
            gain = values[LAYERS] - values["wiener"]
            yield Goal(what, experiment, LAYERS, gain, limit, "dB", gain >= limit)
    yield from _nowhere_below(summaries, LAYERS, "wiener", 0.3, LEAST)


def _default(summaries: Summaries) -> Iterator[Goal]:
    """What the network behind the gate gains over what it stands on."""
    by_set: dict[str, list[float]] = {}
    for line in summaries.get("exposures", []):
        facts, _, what = line["quantity"].partition(": ")
        name, gain = facts.partition(", M=")[0], line["values"].get(BY_DEFAULT)
        if what == DEFAULT_GAIN and gain is not None:
            if name.startswith(("beads", "filaments")):
                by_set.setdefault(name, []).append(gain)
    if by_set:
        # sets weigh alike, however many numbers of exposures each has
        mean = fmean(fmean(gains) for gains in by_set.values())
        what = f"{', '.join(by_set)}, all M: over {LAYERS} by 0.3 dB on average"
        yield Goal(what, "exposures", BY_DEFAULT, mean, 0.3, "dB", mean >= 0.3)
    yield from _nowhere_below(summaries, BY_DEFAULT, LAYERS, 0.1, DEFAULT_LEAST)


def _nowhere_below(
    summaries: Summaries, who: str, other: str, by: float, least: str
) -> Iterator[Goal]:
    """In no line of PSNR of an experiment; and on no specimen, where lines say so."""
    told = f"below {other} by over {by:g} dB; least: "
    for experiment, lines in summaries.items():
        means: list[tuple[float, str]] = []
        each: list[tuple[float, str]] = []
        for line in lines:
            where, values = line["quantity"], line["values"]
            ours, theirs = values.get(who), values.get(other)
            if "PSNR" in where and ours is not None and theirs is not None:
                means.append((ours - theirs, where))
            if where.endswith(f": {least}") and ours is not None:
                each.append((ours, where.partition(": ")[0]))
        for what, gains in (("nowhere", means), ("on no specimen", each)):
            if gains:
                gain, where = min(gains)
                met = gain >= -by
                yield Goal(
                    f"{what} {told}{where}", experiment, who, gain, -by, "dB", met
                )
