"""Which channel each picture shows, its colour, and the dialog that sets colours."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QIcon, QPixmap
from PyQt6.QtWidgets import (
    QColorDialog,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from rmz_acquire.gui.models.channels import PALETTE, ChannelColours, colour_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PyQt6.QtCore import QSettings

    from rmz_acquire.gui.views.images.pane import Pane

__all__ = ["ChannelDialog", "Colouring"]

_KEY = "channel_colours"


class Colouring:
    """Gives camera and volume the colours of the channels that they show.

    Parameters
    ----------
    parent : QWidget
        Of the dialog.
    store : QSettings
        Keeps what was chosen.
    camera, volume : Pane
        The two pictures.
    """

    def __init__(
        self, parent: QWidget, store: QSettings, camera: Pane, volume: Pane
    ) -> None:
        self._parent, self._store = parent, store
        self._panes = {"camera": camera, "volume": volume}
        self.colours = ChannelColours(str(store.value(_KEY, "")))
        self._shown = {"camera": "", "volume": ""}
        self._labels: dict[str, None] = {}

    def know(self, labels: Iterable[str]) -> None:
        """Note channels that colours can be chosen for."""
        self._labels.update(dict.fromkeys(label for label in labels if label))

    def camera_shows(self, label: str) -> None:
        """Say the channel of the camera's picture; "" where it has none."""
        self._show("camera", label)

    def volume_shows(self, label: str) -> None:
        """Say the channel of the volume; "" where it has none."""
        self._show("volume", label)

    @property
    def volume_colour(self) -> str:
        """Colour of the channel of the volume, #rrggbb."""
        return self.colours.of(self._shown["volume"])

    def choose(self, label: str, colour: str | None) -> None:
        """Show a channel in a colour from now on; None for the usual one."""
        self.colours.choose(label, colour)
        self._store.setValue(_KEY, self.colours.text())
        for what, shown in self._shown.items():
            self._show(what, shown)

    def ask(self) -> None:
        """Let the user choose."""
        dialog = ChannelDialog(self._parent, self.colours, list(self._labels))
        dialog.setObjectName("channel colours")
        for label, box in dialog.boxes.items():
            box.activated.connect(partial(self._chosen, dialog, label))
        dialog.open()

    def _chosen(self, dialog: ChannelDialog, label: str, _: int) -> None:
        colour = dialog.colour(label)
        if colour is not None:
            self.choose(label, colour)

    def _show(self, what: str, label: str) -> None:
        self._shown[what] = label
        self.know([label])
        self._panes[what].set_channel_colour(self.colours.of(label))


class ChannelDialog(QDialog):
    """A colour for each channel, applied at once.

    Parameters
    ----------
    parent : QWidget
        The window.
    colours : ChannelColours
        As they are now.
    labels : list of str
        The channels.
    """

    def __init__(
        self, parent: QWidget, colours: ChannelColours, labels: list[str]
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Channel colours")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(320)
        self.boxes: dict[str, QComboBox] = {}
        form = QFormLayout()
        for label in labels:
            box = QComboBox()
            usual = colour_of(label)
            for name, colour in PALETTE.items():
                said = f"{name} (usual)" if colour == usual else name
                box.addItem(_swatch(colour), said, colour)
            now = colours.of(label)
            if box.findData(now) < 0:
                box.addItem(_swatch(now), now, now)
            box.addItem("Other…", None)
            box.setCurrentIndex(box.findData(now))
            self.boxes[label] = box
            form.addRow(label, box)
        words = QLabel(
            "Pictures are drawn in these where the colours are “By channel”."
            if labels
            else "Channels are listed once a microscope or a run with some is there."
        )
        words.setObjectName("muted")
        words.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(words)
        column.addLayout(form)
        column.addWidget(buttons)

    def colour(self, label: str) -> str | None:
        """Give what is chosen for a channel; None where nothing is after all."""
        box = self.boxes[label]
        chosen: str | None = box.currentData()
        if chosen is None:
            asked = QColorDialog.getColor(QColor("white"), self, f"Colour of {label}")
            if not asked.isValid():
                return None
            chosen = asked.name()
            box.insertItem(0, _swatch(chosen), chosen, chosen)
            box.setCurrentIndex(0)
        return chosen


def _swatch(colour: str) -> QIcon:
    pixmap = QPixmap(16, 16)
    pixmap.fill(QColor(colour))
    return QIcon(pixmap)
