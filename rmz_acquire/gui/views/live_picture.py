"""What the camera sees now, drawn with what the microscope says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rmz_acquire.gui.models.microscope_facts import ScopeFacts
    from rmz_acquire.gui.views.main_window import MainWindow

__all__ = ["show_picture"]


def show_picture(
    window: MainWindow, facts: ScopeFacts | None, image: NDArray[Any], note: str
) -> None:
    """Show a live or snapped picture.

    Parameters
    ----------
    window : MainWindow
        Where; a pixel size that is typed into its form goes first.
    facts : ScopeFacts or None
        For pixel size, bit depth and channel.
    image : ndarray, (Y, X)
        Camera counts.
    note : str
        What it is.
    """
    camera = window.camera
    camera.pixel_size_um = window.form.settings().pixel_size_um
    if facts is not None:
        camera.pixel_size_um = camera.pixel_size_um or facts.optics["pixel_size_um"]
        camera.bit_depth = facts.bit_depth
        label = "" if facts.channel is None else facts.channel[1]
        window.colouring.camera_shows(label)
    camera.set_image(image, note)
    camera.show_regions(window.form.deciding.drawn)
