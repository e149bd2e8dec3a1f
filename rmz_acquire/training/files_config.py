"""Which dense stacks are trained on, and how they are prepared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from rmz_acquire.settings_file import Strict
from rmz_acquire.stacks import Given

__all__ = ["FilesConfig", "StackFile", "StackList"]

Share = Annotated[float, Field(ge=0, le=1)]


class StackFile(Strict):
    """One dense stack.

    Parameters
    ----------
    path : Path
        TIFF, OME-TIFF or OME-Zarr; from where the configuration lies, or absolute.
    specimen : str, optional
        What was imaged: stacks of one specimen stay on one side of the split. By
        default the file's name.
    split : {"train", "validation"}, optional
        Which side; by default drawn.
    pixel_size_um, z_step_um : float, optional
        Voxel size, µm, where the file does not tell; holds over what it tells.
    z_axis : {"z", "t", "c"}, optional
        The axis of the file that is z, where it calls it time or channel.
    """

    path: Path
    specimen: str | None = None
    split: Literal["train", "validation"] | None = None
    pixel_size_um: Annotated[float, Field(gt=0)] | None = None
    z_step_um: Annotated[float, Field(gt=0)] | None = None
    z_axis: Literal["z", "t", "c"] | None = None

    @property
    def given(self) -> Given:
        """What is said of the stack beside the file."""
        return Given(
            z_step_um=self.z_step_um,
            pixel_size_um=self.pixel_size_um,
            z_axis=self.z_axis,
        )


class StackList(Strict):
    """What ``acquire-stacks`` leaves beside its stacks.

    Parameters
    ----------
    stacks : list of StackFile
        One or more.
    """

    stacks: Annotated[list[StackFile], Field(min_length=1)]


class FilesConfig(Strict):
    """Dense stacks to train on, prepared as in Methods 4.1 of the paper.

    Parameters
    ----------
    stacks : list of StackFile
        Of two specimens or more.
    share : float
        Share of the training specimens that come from files; the others are
        simulated.
    validation_share : float
        Share of the specimens that is validated on; at least one.
    register_planes : bool
        Undo lateral shifts between the planes of a stack.
    rotation : bool
        Undo rotations too.
    noise : float
        Sigma of the noise added to input planes, of the stack's own range; drawn
        uniformly up to it.
    intensity : (float, float)
        Factor on all intensities; uniform.
    """

    stacks: Annotated[list[StackFile], Field(min_length=1)]
    share: Share = 1.0
    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    register_planes: bool = True
    rotation: bool = False
    noise: Share = 0.02
    intensity: tuple[float, float] = (0.7, 1.4)
