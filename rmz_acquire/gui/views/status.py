"""The card above the pictures: the state in words, progress, light, what to do."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QFrame,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout, QIconifyIcon

from rmz_acquire.gui.views.form_fields import whole
from rmz_acquire.installing import pip_line

__all__ = ["StatusCard"]

_STEPS = 1000


class StatusCard(QFrame):
    """Says what goes on, and holds the buttons for what is going on."""

    pause_asked = pyqtSignal()
    keep_asked = pyqtSignal()
    abort_asked = pyqtSignal()
    render_asked = pyqtSignal()
    go_on_asked = pyqtSignal()
    compare_asked = pyqtSignal()
    export_asked = pyqtSignal()
    napari_asked = pyqtSignal()
    open_asked = pyqtSignal()
    details_asked = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._go_on_tip = ""
        self.headline = QLabel()
        self.headline.setObjectName("headline")
        self.headline.setWordWrap(True)
        self.detail = QLabel()
        self.detail.setObjectName("muted")
        self.detail.setWordWrap(True)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setRange(0, _STEPS)
        self._make_buttons()
        self._row = QFlowLayout()
        self._row.setHorizontalSpacing(6)
        self._row.setVerticalSpacing(6)
        self._all: tuple[QWidget, ...] = (
            self.pause,
            self.keep,
            self.abort,
            self.details,
            self.open,
            self.napari,
            self.export,
            self.compare,
            self.render_now,
            self.go_on,
            self.more,
        )
        for widget in self._all:
            widget.setParent(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 10, 8)
        column.setSpacing(4)
        column.addWidget(self.headline)
        column.addWidget(self.detail)
        column.addWidget(self.progress)
        column.addLayout(self._row)
        self.show_idle("")

    def say(self, headline: str, detail: str = "") -> None:
        """Put words."""
        self.headline.setText(headline)
        self.detail.setText(detail)
        self.detail.setVisible(bool(detail))

    def show_idle(self, headline: str, detail: str = "") -> None:
        """Nothing goes on."""
        self.say(headline, detail)
        self._show()
        self.progress.hide()

    def show_scan(self, *, paused: bool) -> None:
        """A scan goes on."""
        self._show(self.pause, self.keep, self.abort)
        self.abort.setText("Abort")
        self.pause.setText("Resume" if paused else "Pause")
        icon = "mdi:play" if paused else "mdi:pause"
        self.pause.setIcon(QIconifyIcon(icon, color="gray"))
        self.progress.show()

    def show_endable(self, *, later: bool = False) -> None:
        """Stacks are being taken, or volumes rendered, which can be done later, too."""
        self._show(self.abort)
        self.abort.setText("Render later" if later else "Abort")
        self.progress.show()

    def show_done(
        self,
        headline: str,
        detail: str,
        *,
        volume: bool,
        render: bool,
        experiment: bool,
        complete: bool,
        details: bool,
    ) -> None:
        """A run has ended or was opened.

        Parameters
        ----------
        headline, detail : str
            Why it ended.
        volume : bool
            Whether there is one to export and to look at elsewhere.
        render : bool
            Whether one is still to be rendered, and nothing else is left.
        experiment : bool
            Whether it can go on, and be compared with a full stack.
        complete : bool
            Whether going on means more planes, not the rest.
        details : bool
            Whether there is a traceback.
        """
        self.say(headline, detail)
        shown: list[QWidget] = [self.open]
        if details:
            shown.append(self.details)
        if volume:
            shown += [self.napari, self.export]
        if volume and experiment:
            shown.append(self.compare)
        if render:
            shown.append(self.render_now)
        if experiment:
            shown.append(self.go_on)
        if experiment and complete:
            shown.append(self.more)
        self._show(*shown)
        self._go_on_tip = (
            "Take this many more planes of this volume, where they help most  (Ctrl+G)"
            if complete
            else "Continue with the next plane  (Ctrl+G)"
        )
        self.progress.hide()

    def explain(self, *, go_on: str, busy: str, napari: bool) -> None:
        """Say why a button is off, or what it does.

        Parameters
        ----------
        go_on : str
            Why no more planes can be taken; empty where they can.
        busy : str
            Why nothing can be started; empty where it can.
        napari : bool
            Whether it is installed.
        """
        self.go_on.setToolTip(
            f"Not now: {busy or go_on}" if busy or go_on else self._go_on_tip
        )
        self.compare.setToolTip(
            f"Not now: {busy}"
            if busy
            else "Take every plane of the range and score the volume against them.\n"
            "Costs the light that the scan has saved  (Ctrl+F)"
        )
        self.render_now.setToolTip(
            f"Not now: {busy}"
            if busy
            else "Make the whole volume of the planes on disk; takes no light (Ctrl+R)"
        )
        self.napari.setToolTip(
            "Open the volume in napari, with the planes taken  (Ctrl+Shift+N)"
            if napari
            else f"napari is not installed: {pip_line('napari[pyqt6]')}"
        )

    def show_problem(self, text: str, *, details: bool) -> None:
        """Something went wrong."""
        self.say("Something went wrong", text)
        self._show(*((self.details,) if details else ()))
        self.progress.hide()

    def set_progress(self, part: float) -> None:
        """How much of the most there may be is done, 0 to 1."""
        self.progress.setValue(round(_STEPS * part))

    def _make_buttons(self) -> None:
        def make(text: str, icon: str, tip: str, colour: str = "gray") -> QPushButton:
            button = QPushButton(QIconifyIcon(icon, color=colour), text)
            button.setToolTip(tip)
            return button

        self.pause = make(
            "Pause",
            "mdi:pause",
            "Hold before the next plane; the light is off  (Ctrl+P)",
        )
        self.keep = make(
            "Stop and keep",
            "mdi:content-save-outline",
            "Finish the current plane, then stop and keep everything  (Ctrl+.)",
        )
        self.abort = make(
            "Abort",
            "mdi:close-octagon",
            "End now: light off, focus back. What was taken stays on disk (Shift+Esc)",
            "#d55e00",
        )
        self.abort.setObjectName("danger")
        self.open = make(
            "Open folder",
            "mdi:folder-open-outline",
            "Show the files of this run  (Ctrl+E)",
        )
        self.napari = make("napari", "mdi:layers-outline", "")
        self.export = make(
            "Export TIFF",
            "mdi:file-export-outline",
            "Write the volume that is shown as OME-TIFF  (Ctrl+Shift+S)",
        )
        self.compare = make("Full stack", "mdi:compare", "")
        self.render_now = make("Render now", "mdi:cube-scan", "")
        self.go_on = make("Go on", "mdi:play", "")
        self.more: QSpinBox = whole(1, 99, 3, "How many more planes")
        self.more.setFixedWidth(88)
        self.details = make(
            "Details…",
            "mdi:information-outline",
            "Show the traceback and where the log file is",
        )
        for button, signal in (
            (self.pause, self.pause_asked),
            (self.keep, self.keep_asked),
            (self.abort, self.abort_asked),
            (self.open, self.open_asked),
            (self.napari, self.napari_asked),
            (self.export, self.export_asked),
            (self.compare, self.compare_asked),
            (self.render_now, self.render_asked),
            (self.go_on, self.go_on_asked),
            (self.details, self.details_asked),
        ):
            button.clicked.connect(signal)

    def _show(self, *shown: QWidget) -> None:
        # it leaves a gap for what is hidden in it
        while self._row.count():
            self._row.takeAt(0)
        for widget in self._all:
            if widget in shown:
                self._row.addWidget(widget)
            widget.setVisible(widget in shown)
