"""Pictures: one plane, and a volume as xy with its xz and yz slices."""

from rmz_acquire.gui.views.images.colour_maps import BY_CHANNEL, COLOUR_MAPS
from rmz_acquire.gui.views.images.picture import PictureView
from rmz_acquire.gui.views.images.slices import SliceView

__all__ = ["BY_CHANNEL", "COLOUR_MAPS", "PictureView", "SliceView"]
