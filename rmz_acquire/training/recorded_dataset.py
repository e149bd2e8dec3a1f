"""Dense stacks as training specimens: read, checked, split by specimen, cut up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.errors import InputError
from rmz_acquire.stacks import read_stack
from rmz_acquire.training.preparation import (
    check_values,
    crop_corners,
    register_planes,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics
    from rmz_acquire.training.files_config import StackFile
    from rmz_acquire.training.training_config import TrainingConfig

__all__ = ["RecordedField", "split_specimens", "training_stacks"]

_VOXEL_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class RecordedField:
    """One crop of a recorded stack, as a specimen to train on.

    Attributes
    ----------
    light : ndarray
        (Z, Y, X) float32 counts of the prepared stack.
    z_um : ndarray
        (Z,) µm.
    believed : Optics
        The microscope's.
    noise : float
        Most noise added to an input plane, sigma as a share of the stack's range.
    intensity : (float, float)
        Factor on all intensities.
    """

    light: NDArray[np.float32]
    z_um: NDArray[np.floating[Any]]
    believed: Optics
    noise: float
    intensity: tuple[float, float]

    def expose(
        self,
        light: NDArray[np.float32],
        taken: NDArray[np.intp],
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float32], float]:
        """Give the planes taken, with noise, and the drawn intensity."""
        factor = float(rng.uniform(*self.intensity))
        low, high = np.percentile(self.light, (0.5, 99.9))
        sigma = float(rng.uniform(0, self.noise)) * float(high - low) * factor
        counts = light[taken] * np.float32(factor)
        counts = counts + rng.normal(0, sigma, counts.shape)
        return counts.astype(np.float32), factor

    def truth(self, light: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
        """Give output planes as recorded, at the drawn intensity."""
        return np.ascontiguousarray(light * np.float32(factor))


def split_specimens(
    stacks: list[StackFile], validation_share: float, seed: int
) -> tuple[list[StackFile], list[StackFile]]:
    """Part stacks into training and validation, never within a specimen.

    Parameters
    ----------
    stacks : list of StackFile
        Those without a split are drawn.
    validation_share : float
        Of the specimens; at least one.
    seed : int
        Of the draw.

    Returns
    -------
    (list, list)
        Training, validation.

    Raises
    ------
    InputError
        Where a specimen is on both sides, or one side stays empty.
    """
    sides: dict[str, set[str]] = {}
    for stack in stacks:
        name = stack.specimen or stack.path.name
        told = sides.setdefault(name, set())
        if stack.split:
            told.add(stack.split)
    for name, told in sides.items():
        if len(told) > 1:
            msg = (
                f"specimen {name} is in training and in validation: give its stacks "
                "one split"
            )
            raise InputError(msg)
    if len(sides) < 2:
        msg = "stacks of one specimen only: one more is needed to validate on"
        raise InputError(msg)
    open_ones = sorted(name for name, told in sides.items() if not told)
    wanted = max(1, round(validation_share * len(sides)))
    held = {name for name, told in sides.items() if "validation" in told}
    order = np.random.default_rng([seed, 11]).permutation(len(open_ones))
    for i in order[: max(0, wanted - len(held))]:
        held.add(open_ones[int(i)])
    parts: tuple[list[StackFile], list[StackFile]] = ([], [])
    for stack in stacks:
        parts[(stack.specimen or stack.path.name) in held].append(stack)
    if not all(parts):
        side = "training" if parts[1] else "validation"
        msg = f"no specimen is left for {side}: change the split of some stacks"
        raise InputError(msg)
    return parts


def training_stacks(
    config: TrainingConfig,
) -> tuple[list[RecordedField], list[RecordedField]]:
    """Read and prepare the stacks of a configuration.

    Parameters
    ----------
    config : TrainingConfig
        With `files`.

    Returns
    -------
    (list of RecordedField, list of RecordedField)
        Crops for training and for validation.

    Raises
    ------
    InputError
        In one line, before any training: a stack that cannot be read, is too small,
        dark, even or saturated, has another voxel size than the configuration, or one
        specimen on both sides.
    """
    files = config.files
    if files is None:
        return [], []
    both = split_specimens(files.stacks, files.validation_share, config.seed)
    fields: tuple[list[RecordedField], list[RecordedField]] = ([], [])
    for side, stacks in zip(fields, both, strict=True):
        for stack in stacks:
            side += _crops(config, stack)
    return fields


def _crops(config: TrainingConfig, entry: StackFile) -> list[RecordedField]:
    files, simulation = config.files, config.simulation
    assert files is not None
    stack = read_stack(entry.path, entry.given)
    name = entry.path.name
    pixel = stack.need_pixel_size("give pixel_size_um beside its path")
    step = stack.need_step("give z_step_um beside its path")
    for what, value, wanted in (
        ("pixel size", pixel, simulation.optics.pixel_size_um),
        ("z step", step, simulation.z_step_um),
    ):
        if abs(value / wanted - 1) > _VOXEL_TOLERANCE:
            msg = (
                f"{name} has a {what} of {value:.4g} µm, the configuration {wanted:.4g}"
                " µm: voxel sizes must agree, resample it or leave it out"
            )
            raise InputError(msg)
    check_values(stack.data, name)
    if len(stack.data) < max(config.planes[1], config.targets):
        msg = (
            f"{name} has {len(stack.data)} planes: too few for {config.planes[1]} "
            f"taken and {config.targets} made"
        )
        raise InputError(msg)
    crop = simulation.crop_px
    corners = crop_corners(stack.data.shape[1:], crop, name)
    data = stack.data.astype(np.float32)
    if files.register_planes:
        data, _ = register_planes(data, rotation=files.rotation)
    n = len(data)
    z = (np.arange(n) - (n - 1) / 2) * simulation.z_step_um
    return [
        RecordedField(
            data[:, top : top + crop, left : left + crop],
            z,
            simulation.optics,
            files.noise,
            files.intensity,
        )
        for top, left in corners
    ]
