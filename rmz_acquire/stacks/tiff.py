"""Opens TIFF of every kind: of ImageJ, OME, and plain.

tifffile reads what it can of a truncated file and logs the rest: an error here, since
a stack that is half there must not pass for a whole one.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import tifffile

from rmz_acquire.errors import InputError
from rmz_acquire.installing import pip_line
from rmz_acquire.stacks.image import COPY_AGAIN, Image, several
from rmz_acquire.stacks.imagej import imagej_claims, tag_claims
from rmz_acquire.stacks.ome import check_set, ome_claims, planes_announced

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from rmz_acquire.stacks.axis_claims import Claims

__all__ = ["open_tiff"]

# a table of colours (PALETTE) only says how counts are shown
_COLOUR = (
    tifffile.PHOTOMETRIC.RGB,
    tifffile.PHOTOMETRIC.YCBCR,
    tifffile.PHOTOMETRIC.SEPARATED,
    tifffile.PHOTOMETRIC.CIELAB,
)


class _Complaints(logging.Handler):
    """Keeps what tifffile only logs: a broken chain of pages, missing data."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.levelno >= logging.ERROR or "missing data" in message:
            self.errors.append(message)


@contextmanager
def _complaints() -> Iterator[list[str]]:
    logger = tifffile.logger()
    handler, propagate = _Complaints(), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield handler.errors
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


@contextmanager
def open_tiff(path: Path) -> Iterator[Image]:
    """Open a TIFF.

    Parameters
    ----------
    path : Path
        The file.

    Yields
    ------
    Image

    Raises
    ------
    InputError
        Without the path, if it is none, is damaged, has colours, or is one file of a
        set.
    """
    if path.stat().st_size == 0:
        msg = "the file is empty (0 bytes)"
        raise InputError(msg)
    with path.open("rb") as file:
        if file.read(2) not in (b"II", b"MM"):
            msg = "not a TIFF; give a TIFF or OME-TIFF file, or an OME-Zarr"
            raise InputError(msg)
    with _complaints() as errors:
        try:
            with tifffile.TiffFile(path) as tiff:
                yield _image(tiff, path, errors)
        except InputError:
            raise
        except OSError as error:
            msg = f"cannot be read ({error.strerror or error})"
            raise InputError(msg) from error
        except Exception as error:
            # a damaged file makes the parser and the codecs raise anything
            if "codec" in str(error) or "imagecodecs" in str(error):
                msg = f"its compression needs a codec: {pip_line('imagecodecs')}"
                raise InputError(msg) from error
            raise InputError(COPY_AGAIN) from error


def _image(tiff: tifffile.TiffFile, path: Path, errors: list[str]) -> Image:
    ome = tiff.ome_metadata
    if ome:
        check_set(ome, path)
    if len(tiff.series) != 1:
        # a broken chain of pages looks like this, too
        raise InputError(COPY_AGAIN if errors else several(len(tiff.series)))
    series = tiff.series[0]
    if series.keyframe.photometric in _COLOUR:
        msg = "a colour (RGB) image; give the camera's counts, one channel"
        raise InputError(msg)

    def pixels() -> NDArray[Any]:
        holes = any(page is None for page in series.pages)
        announced = planes_announced(ome) if ome and holes else None
        if announced is not None and announced[0] < announced[1]:
            msg = (
                f"holds {announced[0]} planes of {announced[1]}, the others were never "
                "written: save the z-stack that you want"
            )
            raise InputError(msg)
        data: NDArray[Any] = series.asarray()
        if errors or holes:
            raise InputError(COPY_AGAIN)
        return data

    return Image(series.shape, series.axes, _claims(tiff, ome), pixels)


def _claims(tiff: tifffile.TiffFile, ome: str | None) -> Claims:
    tags = tag_claims(tiff)
    if ome:
        claims = ome_claims(ome)
        claims.x += tags.x
        claims.y += tags.y
        return claims
    return imagej_claims(tiff) if tiff.is_imagej else tags
