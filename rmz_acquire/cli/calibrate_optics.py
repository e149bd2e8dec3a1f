"""``rmz-acquire calibrate-optics``: the optics that predict planes best."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rmz_acquire.cli.checks import check_yaml
from rmz_acquire.cli.console import busy, console, stderr, warn
from rmz_acquire.cli.flags import STACK, flagged
from rmz_acquire.cli.option_groups import StackOptions, flattened
from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics

__all__ = ["calibrate_optics"]


@flattened
def calibrate_optics(
    stack_path: Annotated[
        Path,
        typer.Argument(
            metavar="STACK", help="A dense z-stack of any specimen, or of beads."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="YAML file for the optics.")],
    told: StackOptions,
    beads: Annotated[
        bool,
        typer.Option(
            "--beads", help="The specimen is beads that are points: retrieve the pupil."
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file that is there.")
    ] = False,
) -> None:
    """Fit z scale, NA and aberrations to a dense stack by leaving out planes.

    Where refractive indices differ, a step of the stage is not the same step of the
    focus. Prints how much the fitted optics gain on planes that the fit has not seen;
    if that is less than 0.1 dB, nothing is written.

    With --beads, isolated beads are averaged, and the phase and amplitude of a radially
    symmetric pupil are retrieved from their mean, up to secondary spherical aberration
    and apodisation. Use beads with a diameter of at most a third of λ/NA, in 13 planes
    or more that reach two depths of field to both sides of the focus:

    rmz-acquire calibrate-optics beads.tif --beads --na 1.2 --immersion 1.33
    --wavelength 0.46 --out optics.yaml
    """
    check_yaml(out, overwrite=overwrite)
    with busy("reading"), flagged(STACK):
        from rmz_acquire.stacks import read_stack

        stack = read_stack(stack_path, told.given)
    optics = told.optics(stack, pixel_size_um=stack.pixel_size_um)
    if optics is None:
        msg = "the optics are missing: give --na, --immersion, --wavelength"
        raise InputError(f"{msg} and, where the file has none, --pixel-size")
    z_um = stack.z_um
    if z_um is None or stack.z_step_um is not None:
        step = stack.need_step("give --z-step")
        z_um = tuple(i * step for i in range(len(stack.data)))
    check_shows(stack.data)
    wait = "a minute or two" if beads else "a minute"
    with busy(f"leaving planes out; this takes {wait}"):
        from rmz_acquire.reconstruction import bead_calibration, optics_calibration

        fit = (
            bead_calibration.calibrate_on_beads
            if beads
            else optics_calibration.calibrate_optics
        )
        found = fit(stack.data, z_um, optics, on_step=lambda line: stderr.print(line))
    if isinstance(found, bead_calibration.BeadCalibration):
        console.print(f"beads averaged   {found.beads}")
    for name, gain in (
        ("richardson-lucy", found.layers_db),
        ("wiener", found.wiener_db),
    ):
        console.print(f"{name:15}  {gain:+.2f} dB on {found.planes} planes left out")
    if not found.gains:
        least = optics_calibration.LEAST_GAIN_DB
        console.print(
            f"the fitted optics gain less than {least:g} dB: keep yours, "
            "nothing written"
        )
        return
    _write(found.optics, out)
    for name, field in _TOLD.items():
        was, now = getattr(optics, field), getattr(found.optics, field)
        if beads or field not in _OF_BEADS:
            console.print(f"{name}  {was:.3g} -> {now:.3g}")
    console.print(f"optics   {out}", soft_wrap=True)


_LEAST_PLANES = 3
"""Fewer that show something tell nothing of each other."""


def check_shows(planes: NDArray[Any]) -> None:
    """Refuse a stack that shows nothing, and warn of one that shows little.

    Parameters
    ----------
    planes : ndarray, (Z, Y, X)
        Camera counts.

    Raises
    ------
    InputError
        Naming the stack.
    """
    from rmz_acquire.scanning import look_at

    shown = sum(look_at(plane).structured for plane in planes)
    blank = len(planes) - shown
    said = f"nothing above noise in {blank} of {len(planes)} planes"
    if shown < _LEAST_PLANES:
        raise InputError(f"STACK: {said}: give one of a specimen")
    if blank > shown:
        warn(f"STACK: {said}: what is found hangs on few of them")


_OF_BEADS = ("secondary_spherical_waves", "apodisation")
_TOLD = {
    "z scale": "z_scale",
    "NA": "na",
    "spherical aberration, waves": "spherical_waves",
    "secondary spherical aberration, waves": "secondary_spherical_waves",
    "apodisation": "apodisation",
}
"""What the command says of the optics, and where it stands in them."""


def _write(optics: Optics, out: Path) -> None:
    """Write a file that every command takes as its optics."""
    import yaml

    from rmz_acquire.atomic_io import replace_text

    text = yaml.safe_dump(optics.model_dump(exclude_none=True), sort_keys=False)
    replace_text(out, text)
