"""The options that commands share, and what they make together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from pydantic import ValidationError

from rmz_acquire.cli.console import warn
from rmz_acquire.cli.flags import in_flags
from rmz_acquire.defaults import EPSILON, Overlap
from rmz_acquire.errors import InputError, key_message
from rmz_acquire.methods import DEFAULT_METHOD, MethodName

if TYPE_CHECKING:
    from rmz_acquire.optics import Optics
    from rmz_acquire.stacks import Stack

__all__ = [
    "NA",
    "OPTICS_FLAGS",
    "Audit",
    "Device",
    "Epsilon",
    "EstimatorName",
    "FirstPlanes",
    "Immersion",
    "MaxLight",
    "MaxPlanes",
    "MaxSeconds",
    "MinPlanes",
    "Model",
    "OverlapName",
    "Overwrite",
    "Patience",
    "PixelSize",
    "Policy",
    "SampleIndex",
    "Seed",
    "SpecimenName",
    "Strict",
    "Tau",
    "Wavelength",
    "ZAxis",
    "ZList",
    "ZStep",
    "optics_from",
    "optics_over",
    "parse_z",
    "positive",
    "preset_of",
]

_OPTICS = "Optics"
_SCAN = "Scan"

NA = Annotated[
    float | None,
    typer.Option("--na", help="Numerical aperture.", rich_help_panel=_OPTICS),
]
Immersion = Annotated[
    float | None,
    typer.Option(
        "--immersion",
        help="Refractive index of the immersion: 1 air, 1.33 water, 1.515 oil.",
        rich_help_panel=_OPTICS,
    ),
]
SampleIndex = Annotated[
    float | None,
    typer.Option(
        "--sample-index",
        help="Refractive index of the sample, if it is not that of the immersion.",
        rich_help_panel=_OPTICS,
    ),
]
Wavelength = Annotated[
    float | None,
    typer.Option(
        "--wavelength", help="Emission wavelength, µm.", rich_help_panel=_OPTICS
    ),
]
PixelSize = Annotated[
    float | None,
    typer.Option(
        "--pixel-size", help="Pixel at the sample, µm.", rich_help_panel=_OPTICS
    ),
]
ZStep = Annotated[
    float | None,
    typer.Option(
        "--z-step", help="Distance between planes, µm.", rich_help_panel=_OPTICS
    ),
]

ZAxis = Annotated[
    Literal["z", "t", "c"] | None,
    typer.Option(
        "--z-axis",
        help="Which axis of the file is z, if it is called time (t) or channel (c).",
        rich_help_panel=_OPTICS,
    ),
]

EstimatorName = Annotated[
    MethodName | None,
    typer.Option(
        "--estimator",
        help=f"What computes the volume from the planes; by default {DEFAULT_METHOD} "
        "(richardson-lucy, and a network where it fits), or recurrent-mz with --model.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option("--model", help="A name that `models` lists, or a model's folder."),
]
Device = Annotated[
    str,
    typer.Option("--device", help="Where the network runs: auto, cpu, cuda or mps."),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Refuse a model that was trained for other optics."),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace the output that is already there."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of everything random.")]
SpecimenName = Annotated[
    Literal["beads", "nuclei", "filaments"],
    typer.Option("--specimen", help="The simulated specimen."),
]

Policy = Annotated[
    Literal["bisect", "uniform", "error", "disagreement"],
    typer.Option(
        "--policy", help="Where the next plane is taken.", rich_help_panel=_SCAN
    ),
]
Epsilon = Annotated[
    float | None,
    typer.Option(
        "--epsilon",
        help="Stop when the relative change of the volume is at or below this; by "
        f"default {EPSILON:g}.",
        rich_help_panel=_SCAN,
    ),
]
FirstPlanes = Annotated[
    int | None,
    typer.Option(
        "--first-planes",
        help="How many equally spaced planes come before the search for gaps.",
        rich_help_panel=_SCAN,
    ),
]
Tau = Annotated[
    float | None,
    typer.Option(
        "--tau",
        help="... and planes at random z were predicted with at most this error.",
        rich_help_panel=_SCAN,
    ),
]
Audit = Annotated[
    float | None,
    typer.Option(
        "--audit",
        help="Share of planes, after the first, whose z is drawn at random; 0: none.",
        rich_help_panel=_SCAN,
    ),
]
Patience = Annotated[
    int | None,
    typer.Option(
        "--patience",
        help="For how many planes in a row all conditions must hold.",
        rich_help_panel=_SCAN,
    ),
]
MaxLight = Annotated[
    float | None,
    typer.Option(
        "--max-light-ms", help="Stop at this total exposure, ms.", rich_help_panel=_SCAN
    ),
]
MaxSeconds = Annotated[
    float | None,
    typer.Option(
        "--max-seconds", help="Stop after this time, s.", rich_help_panel=_SCAN
    ),
]
MinPlanes = Annotated[
    int | None,
    typer.Option(
        "--min-planes", help="Never stop with fewer planes.", rich_help_panel=_SCAN
    ),
]
MaxPlanes = Annotated[
    int | None,
    typer.Option("--max-planes", help="Never take more planes.", rich_help_panel=_SCAN),
]
ZList = Annotated[
    str | None,
    typer.Option(
        "--z",
        metavar="Z,Z,...",
        help="Take exactly these z, µm, in this order.",
        rich_help_panel=_SCAN,
    ),
]

OverlapName = Annotated[
    Overlap | None,
    typer.Option(
        "--overlap",
        help="While the estimator computes: do nothing; move the stage on (default); "
        "or expose the next plane too, which costs a plane of light at the stop.",
        rich_help_panel=_SCAN,
    ),
]

OPTICS_FLAGS = {
    "na": "--na",
    "immersion_index": "--immersion",
    "sample_index": "--sample-index",
    "wavelength_um": "--wavelength",
    "pixel_size_um": "--pixel-size",
}


_WORDS = {
    "NA": "--na",
    "the immersion index": "--immersion",
    "wavelength": "--wavelength",
}
"""As `Optics` says them."""


def positive(value: float, option: str, unit: str = " µm") -> float:
    """Give a value back that is finite and above 0.

    Raises
    ------
    InputError
        Naming the option, if it is not.
    """
    if not (math.isfinite(value) and value > 0):
        msg = f"{option} must be above 0{unit}, not {value:g}"
        raise InputError(msg)
    return value


def preset_of(channel: str | None) -> tuple[str, str] | None:
    """Take a channel apart that was given as ``Group:Preset``.

    Raises
    ------
    InputError
        If it is not written so.
    """
    if channel is None:
        return None
    group, colon, name = channel.partition(":")
    if not colon or not group or not name:
        msg = f"--channel {channel!r}: write it as Channel:GFP"
        raise InputError(msg)
    return group, name


def optics_from(
    *,
    na: float | None,
    immersion: float | None,
    wavelength_um: float | None,
    pixel_size_um: float | None,
    sample_index: float | None = None,
) -> Optics | None:
    """Make the optics of what was given.

    Returns
    -------
    Optics or None
        None if neither NA nor immersion nor wavelength was given.

    Raises
    ------
    InputError
        If some are missing, or a value makes no sense.
    """
    from rmz_acquire.optics import Optics

    given = {
        "na": na,
        "immersion_index": immersion,
        "wavelength_um": wavelength_um,
        "pixel_size_um": pixel_size_um,
    }
    for field, value in {**given, "sample_index": sample_index}.items():
        if value is not None:
            positive(value, OPTICS_FLAGS[field], " µm" if field.endswith("_um") else "")
    if na is None and immersion is None and wavelength_um is None:
        return None
    missing = [OPTICS_FLAGS[field] for field, value in given.items() if value is None]
    if missing:
        msg = f"the optics are incomplete: give {', '.join(missing)} too"
        raise InputError(msg)
    try:
        return Optics.model_validate({**given, "sample_index": sample_index})
    except ValidationError as error:
        message = key_message(error, names=OPTICS_FLAGS)
        raise InputError(in_flags(message, _WORDS)) from None


def optics_over(
    told: Optics | Stack | None,
    *,
    na: float | None,
    immersion: float | None,
    wavelength_um: float | None,
    pixel_size_um: float | None,
    sample_index: float | None = None,
) -> Optics | None:
    """Make the optics of what was given, and of what a run or a file tells otherwise.

    Parameters
    ----------
    told : Optics, Stack or None
        What the planes came with.
    na, immersion, wavelength_um, pixel_size_um, sample_index : float, optional
        What was given; a warning says where it differs.

    Returns
    -------
    Optics or None
        None where nothing was given, and less than all is told.

    Raises
    ------
    InputError
        As `optics_from`.
    """
    options = {
        "na": na,
        "immersion_index": immersion,
        "wavelength_um": wavelength_um,
        "pixel_size_um": pixel_size_um,
        "sample_index": sample_index,
    }
    over = dict(options)
    for field, value in options.items():
        known = getattr(told, field, None)
        if value is None:
            over[field] = known
        elif known is not None and not math.isclose(value, known, rel_tol=0.02):
            option = OPTICS_FLAGS[field]
            warn(f"{option} is {value:g}, it was {known:.4g}: taking {value:g}")
    given = {key: over[key] for key in ("na", "wavelength_um", "pixel_size_um")}
    said = any(value is not None for value in (na, immersion, wavelength_um))
    if not said and None in (*given.values(), over["immersion_index"]):
        return None
    try:
        made = optics_from(
            **given,
            immersion=over["immersion_index"],
            sample_index=over["sample_index"],
        )
    except InputError as error:
        if said:
            raise
        warn(f"the optics that come with the planes cannot be, left out: {error}")
        return None
    fitted = getattr(told, "fitted", None)
    return made.model_copy(update=fitted) if made and fitted else made


def parse_z(text: str | None) -> tuple[float, ...] | None:
    """Read a list of z such as "2.1,6.3,10.5", µm.

    Raises
    ------
    InputError
        If it is none.
    """
    if text is None:
        return None
    try:
        values = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        values = ()
    if not values or not all(math.isfinite(z) for z in values):
        msg = f'--z {text!r} is no list of positions: write it as "2.1,6.3,10.5" (µm)'
        raise InputError(msg)
    return values
