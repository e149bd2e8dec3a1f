"""What a file says of its planes and voxels, and what its user says, side by side.

Readers collect; nothing is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from rmz_acquire.stacks.units import is_no_unit, um_per

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Claims", "Given", "Length", "Positions"]


@dataclass(frozen=True, slots=True)
class Length:
    """A length as a file has it.

    Parameters
    ----------
    value : float
        The number; NaN where there is none that can be read.
    unit : str or None
        As written; None where the file has no unit.
    source : str
        The key that says it.
    """

    value: float
    unit: str | None
    source: str

    @property
    def um(self) -> float | None:
        """The length, µm; None where its unit is not known."""
        scale = None if self.unit is None else um_per(self.unit)
        # 0.1 in metres is to be 0.1 in µm again
        return None if scale is None else float(f"{self.value * scale:.12g}")

    @property
    def calibrated(self) -> bool:
        """Whether it claims to be a length, in whatever unit."""
        return self.unit is not None and not is_no_unit(self.unit)

    def __str__(self) -> str:
        """Give it as in "0.5 µm by PhysicalSizeZ"."""
        um = self.um
        if um is None:
            return f"{self.value:.6g} {self.unit or '(no unit)'} by {self.source}"
        return f"{um:.6g} µm by {self.source}"


@dataclass(frozen=True, slots=True)
class Positions:
    """Where the planes were taken.

    Parameters
    ----------
    z : tuple of float
        Of each plane in the order of the file, µm, or in no known unit.
    source : str
        The key that says it.
    known : bool
        Whether they are µm.
    """

    z: tuple[float, ...]
    source: str
    known: bool = True


@dataclass(slots=True)
class Claims:
    """All that a file says of its voxels.

    Parameters
    ----------
    x, y, z_step : list of Length
        Sizes of a voxel; what the format itself has comes first.
    positions : dict of str to Positions
        By the axis along which the planes are counted: Z, T or C.
    hint : str
        Of the format, on a z step that is missing.
    notes : list of str
        Of the format, on what it leaves out; one line each.
    interval : str
        Of time points, as in "2 s"; empty where not known.
    channel : str or None
        Name of the channel.
    na, immersion_index, wavelength_um : float or None
        Optics.
    """

    x: list[Length] = field(default_factory=list)
    y: list[Length] = field(default_factory=list)
    z_step: list[Length] = field(default_factory=list)
    positions: dict[str, Positions] = field(default_factory=dict)
    hint: str = ""
    notes: list[str] = field(default_factory=list)
    interval: str = ""
    channel: str | None = None
    na: float | None = None
    immersion_index: float | None = None
    wavelength_um: float | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What its user says of a stack: holds over what the file says.

    Parameters
    ----------
    z_step_um, pixel_size_um : float, optional
        Voxel size, µm.
    z_um : tuple of float, optional
        z of each plane in the order of the file, µm.
    z_axis : {"z", "t", "c"}, optional
        The axis of the file along which its planes lie in z, also where the file calls
        it time or channel.
    names : mapping, optional
        What the user calls these, such as "--z-step", for messages.
    """

    z_step_um: float | None = None
    pixel_size_um: float | None = None
    z_um: tuple[float, ...] | None = None
    z_axis: Literal["z", "t", "c"] | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def way(self, axis: str, *also: str) -> str:
        """How its user can say that an axis of the file is z.

        Parameters
        ----------
        axis : str
            Its letter.
        *also : str
            Fields to be given beside.
        """
        if not self.names or "z_axis" in self.names:
            said = [f"{self.name('z_axis')} {axis.lower()}", *map(self.name, also)]
            return " and ".join(said)
        return self.name("z_um" if "z_um" in self.names else "z_step_um")

    def name(self, key: str) -> str:
        """What the user calls a field."""
        return self.names.get(key, key)
