"""The line above the pictures: the state in words, progress, light, what to do."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
)
from superqt import QIconifyIcon

__all__ = ["StatusCard"]


class StatusCard(QFrame):
    """Says what goes on, and holds the buttons for what is going on."""

    pause_asked = pyqtSignal()
    keep_asked = pyqtSignal()
    abort_asked = pyqtSignal()
    open_asked = pyqtSignal()
    compare_asked = pyqtSignal()
    details_asked = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self.headline = QLabel()
        self.headline.setObjectName("headline")
        self.headline.setWordWrap(True)
        self.detail = QLabel()
        self.detail.setObjectName("muted")
        self.detail.setWordWrap(True)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.pause = QPushButton(QIconifyIcon("mdi:pause", color="gray"), "Pause")
        self.pause.setToolTip("Hold before the next plane; the light is off  (Ctrl+P)")
        self.keep = QPushButton(
            QIconifyIcon("mdi:content-save-outline", color="gray"), "Stop and keep"
        )
        self.keep.setToolTip("End with the plane under way and keep all  (Ctrl+.)")
        self.abort = QPushButton(
            QIconifyIcon("mdi:close-octagon", color="#d55e00"), "Abort"
        )
        self.abort.setObjectName("danger")
        self.abort.setToolTip(
            "End now: light off, focus back. What was taken stays on disk (Shift+Esc)"
        )
        self.open = QPushButton(
            QIconifyIcon("mdi:folder-open-outline", color="gray"), "Open folder"
        )
        self.open.setToolTip("Show the files of this run  (Ctrl+E)")
        self.compare = QPushButton(
            QIconifyIcon("mdi:layers-outline", color="gray"), "Take full stack"
        )
        self.compare.setToolTip(
            "Take every plane of the range and score the volume against them.\n"
            "Costs the light that the scan has saved"
        )
        self.details = QPushButton("Details…")
        self.details.setToolTip("Show the traceback and where the log file is")
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.headline)
        words.addWidget(self.detail)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addLayout(words, 1)
        for button in (
            self.pause,
            self.keep,
            self.abort,
            self.details,
            self.compare,
            self.open,
        ):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 10, 8)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self.progress)
        for button, signal in (
            (self.pause, self.pause_asked),
            (self.keep, self.keep_asked),
            (self.abort, self.abort_asked),
            (self.open, self.open_asked),
            (self.compare, self.compare_asked),
            (self.details, self.details_asked),
        ):
            button.clicked.connect(signal)
        self.show_idle("")

    def say(self, headline: str, detail: str = "") -> None:
        """Put words."""
        self.headline.setText(headline)
        self.detail.setText(detail)
        self.detail.setVisible(bool(detail))

    def show_idle(self, headline: str, detail: str = "") -> None:
        """Nothing goes on."""
        self.say(headline, detail)
        self._buttons()
        self.progress.hide()

    def show_scan(self, *, paused: bool, ending: bool) -> None:
        """A scan goes on."""
        self._buttons(self.pause, self.keep, self.abort)
        self.pause.setText("Resume" if paused else "Pause")
        icon = "mdi:play" if paused else "mdi:pause"
        self.pause.setIcon(QIconifyIcon(icon, color="gray"))
        for button in (self.pause, self.keep, self.abort):
            button.setEnabled(not ending)
        self.progress.show()

    def show_stacks(self) -> None:
        """Stacks are being taken: they can only be ended."""
        self._buttons(self.abort)
        self.progress.show()

    def show_done(
        self, headline: str, detail: str, *, can_compare: bool, details: bool
    ) -> None:
        """A run has ended or was opened."""
        self.say(headline, detail)
        shown = [self.open]
        if details:
            shown.append(self.details)
        if can_compare:
            shown.append(self.compare)
        self._buttons(*shown)
        self.progress.hide()

    def show_problem(self, text: str, *, details: bool) -> None:
        """Something went wrong."""
        self.say("Something went wrong", text)
        self._buttons(*((self.details,) if details else ()))
        self.progress.hide()

    def set_progress(self, taken: int, most: int) -> None:
        """Planes taken of the most there may be."""
        self.progress.setRange(0, max(1, most))
        self.progress.setValue(taken)

    def _buttons(self, *shown: QPushButton) -> None:
        for button in (
            self.pause,
            self.keep,
            self.abort,
            self.details,
            self.compare,
            self.open,
        ):
            button.setVisible(button in shown)
            if button in shown:
                button.setEnabled(True)
