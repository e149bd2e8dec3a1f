"""The channels of a scan, to be ticked: a short way to the table of the series."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QLabel, QToolButton, QVBoxLayout, QWidget
from superqt import QFlowLayout

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ChannelPicker"]


class ChannelPicker(QWidget):
    """A button for every preset; none down means the channel that is in place."""

    picked = pyqtSignal(list)

    def __init__(self) -> None:
        super().__init__()
        self.buttons: dict[str, QToolButton] = {}
        self._flow = QWidget()
        self._row = QFlowLayout(self._flow)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(4)
        self.note = QLabel()
        self.note.setObjectName("muted")
        self.note.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._flow)
        column.addWidget(self.note)
        self.offer(())

    def offer(self, presets: Sequence[str]) -> None:
        """Offer the presets of a microscope."""
        if tuple(self.buttons) == tuple(presets):
            return
        for button in self.buttons.values():
            self._row.removeWidget(button)
            button.deleteLater()
        self.buttons = {}
        for preset in presets:
            button = QToolButton()
            button.setText(preset)
            button.setObjectName("chip")
            button.setCheckable(True)
            button.setToolTip(f"Scan {preset}: a volume of its own")
            button.clicked.connect(self._tell)
            self.buttons[preset] = button
            self._row.addWidget(button)
        self._flow.setVisible(bool(self.buttons))

    def show_picked(
        self, names: Sequence[str], exposures: Sequence[float | None], here: str
    ) -> None:
        """Show what the series has.

        Parameters
        ----------
        names : sequence of str
            The channels of the series.
        exposures : sequence of float
            Theirs, ms; None for the camera's.
        here : str
            What is taken without any, in words.
        """
        for preset, button in self.buttons.items():
            button.setChecked(preset in names)
        if not names:
            self.note.setText(f"None selected: {here}")
            return
        each = [
            name if ms is None else f"{name} {ms:g} ms"
            for name, ms in zip(names, exposures, strict=True)
        ]
        self.note.setText(f"{', '.join(each)} (exposures: see Series)")

    def _tell(self) -> None:
        down = [name for name, button in self.buttons.items() if button.isChecked()]
        self.picked.emit(down)
