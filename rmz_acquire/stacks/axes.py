"""Which axis of a file is z, and whether its planes are a z-stack at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rmz_acquire.stacks.axis_claims import Claims, Given

__all__ = ["as_zyx", "stack_axis"]

MIN_SIDE_PX = 8

_CALLED = {"T": "time points", "C": "channels", "P": "positions"}
# an axis of no meaning: a stack that was written without any metadata
_NAMELESS = "IQ"


def stack_axis(
    shape: Sequence[int], axes: str, claims: Claims, given: Given
) -> tuple[str, list[str]]:
    """Find the axis along which the planes are a z-stack.

    Parameters
    ----------
    shape : sequence of int
        Of the pixels.
    axes : str
        A letter each, as tifffile has them: Z, Y, X, T, C, S (samples of a colour).
    claims : Claims
        Tell how far time points are apart.
    given : Given
        May say that time or channel is z.

    Returns
    -------
    (str, list of str)
        Its letter, and warnings.

    Raises
    ------
    InputError
        Without the path, where it is no z-stack of one channel.
    """
    size = dict(zip(axes, shape, strict=True))
    said = " × ".join(str(n) for n in shape)
    if 0 in shape or not shape:
        msg = f"empty, it has no pixels (shape {said})"
        raise InputError(msg)
    if size.get("S", 1) > 1:
        msg = "a colour (RGB) image; give the camera's counts, one channel"
        raise InputError(msg)
    if len(size) != len(axes) or "Y" not in size or "X" not in size:
        msg = f"has axes {', '.join(axes)} of {said}; give one z-stack"
        raise InputError(msg)
    deep = [axis for axis in axes if axis not in "YXS" and size[axis] > 1]
    wanted = None if given.z_axis is None else given.z_axis.upper()
    if deep == ["C"] and wanted != "C" and given.z_um is None:
        msg = f"has {size['C']} channels of one plane: save a z-stack of one channel"
        if (way := given.way("C")) != given.name("z_step_um"):
            msg += f", or give {way} if they are the planes of one"
        raise InputError(msg)
    if "C" in deep and len(deep) > 1:
        msg = f"has {size['C']} channels; save the one you want"
        raise InputError(msg)
    if len(deep) > 1:
        msg = f"has axes {', '.join(axes)} of {said}; give one z-stack"
        raise InputError(msg)
    if not deep:
        kind = "2D" if set(size) <= set("YXSC") else "a stack of one plane"
        msg = f"{kind}; a z-stack of two planes or more is needed"
        raise InputError(msg)
    if min(size["Y"], size["X"]) < MIN_SIDE_PX:
        msg = f"planes of {size['Y']} × {size['X']} pixels are too small"
        raise InputError(msg)
    axis = deep[0]
    if axis == "Z" or axis in _NAMELESS or axis == wanted or given.z_um is not None:
        return axis, []
    called = _CALLED.get(axis, f"planes along an axis {axis}")
    apart = f", {claims.interval} apart" if axis == "T" and claims.interval else ""
    if axis != "T":
        msg = f"its {size[axis]} planes are {called}, not z; give one z-stack"
        raise InputError(msg)
    if given.z_step_um is not None:
        line = (
            f"its {size[axis]} planes are {called}{apart}, not z: taken for a z-stack, "
            f"as {given.name('z_step_um')} says {given.z_step_um:g} µm"
        )
        return axis, [line]
    also = [] if axis in claims.positions else ["z_step_um"]
    msg = (
        f"its {size[axis]} planes are {called}{apart}, not z: if they are a z-stack, "
        f"give {given.way('T', *also)}"
    )
    raise InputError(msg)


def as_zyx(data: NDArray[Any], axes: str, axis: str) -> NDArray[Any]:
    """Return the data as (Z, Y, X), planes in the order of the file."""
    first = [axes.index(a) for a in (axis, "Y", "X")]
    rest = [i for i in range(data.ndim) if i not in first]  # all of length 1
    shape = [data.shape[i] for i in first]
    return np.ascontiguousarray(data.transpose(first + rest).reshape(shape))
