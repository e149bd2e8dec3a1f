"""The window: where everything stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QSettings, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QIcon
from PyQt6.QtWidgets import (
    QApplication,
    QDockWidget,
    QLabel,
    QSizePolicy,
    QStackedWidget,
    QTabWidget,
    QToolBar,
    QWidget,
)
from superqt import QIconifyIcon

from rmz_acquire.gui.icons import window_icon
from rmz_acquire.gui.theme import DARK, LIGHT, Theme, apply
from rmz_acquire.gui.views.actions import ActionWindow
from rmz_acquire.gui.views.colouring import Colouring
from rmz_acquire.gui.views.form_fields import spacer
from rmz_acquire.gui.views.images import BY_CHANNEL
from rmz_acquire.gui.views.layout_state import Layout
from rmz_acquire.gui.views.microscope_panel import MicroscopePanel
from rmz_acquire.gui.views.middle import Middle
from rmz_acquire.gui.views.runs_panel import RunsPanel
from rmz_acquire.gui.views.scan_form import ScanForm
from rmz_acquire.gui.views.series_panel import SeriesPanel
from rmz_acquire.gui.views.training_panel import TrainingPanel
from rmz_acquire.gui.views.welcome import WelcomePage

if TYPE_CHECKING:
    from pathlib import Path

    from PyQt6.QtGui import QCloseEvent

    from rmz_acquire.gui.controllers.thumbnail_worker import Thumbnailer
    from rmz_acquire.gui.models.runs import RecentRuns

__all__ = ["MainWindow"]


_NO_ROOM = QSizePolicy.Policy.Ignored


class MainWindow(ActionWindow):
    """Lays out the views; a `Presenter` fills them.

    Parameters
    ----------
    store : QSettings
        Where layout and choices are remembered.
    runs : RecentRuns
        The last runs.
    root : Path
        Folder for runs, until another one is chosen.
    thumbnails : Thumbnailer
        Makes the pictures of runs.
    """

    close_asked = pyqtSignal()

    def __init__(
        self, store: QSettings, runs: RecentRuns, root: Path, thumbnails: Thumbnailer
    ) -> None:
        super().__init__()
        self.setWindowTitle("rmz-acquire")
        self.setObjectName("rmz-acquire")
        self.setWindowIcon(QIcon(window_icon()))
        self.store = store
        self.may_close = False
        self._theme = DARK
        self.welcome = WelcomePage()
        self.microscope = MicroscopePanel()
        self.form = ScanForm(root)
        self.series = SeriesPanel()
        self.training = TrainingPanel()
        self.runs = RunsPanel(runs, thumbnails)
        self._lay_out()
        self.colouring = Colouring(self, store, self.camera, self.volume)
        self.channel_colours.triggered.connect(self.colouring.ask)
        self._make_docks()
        self._make_bar()
        self.train.triggered.connect(self.show_training)
        self.theme_action.triggered.connect(self.toggle_theme)
        self.reset_layout.triggered.connect(self._standard_layout)
        self.focus = QLabel()
        self.focus.setMinimumWidth(150)
        bar = self.statusBar()
        assert bar is not None
        bar.addPermanentWidget(self.focus)
        bar.setSizeGripEnabled(False)
        self.setMinimumSize(900, 480)
        self.resize(1280, 720)
        self.set_theme(LIGHT if store.value("theme") == "light" else DARK)
        self._restore()
        self.show_welcome(True)

    # ---- what it shows ------------------------------------------------------------

    def show_welcome(self, on: bool) -> None:
        """Show the first page, or the microscope."""
        # a page that is not shown asks for no room
        for page, shown in ((self.pages.widget(0), on), (self.pages.widget(1), not on)):
            wanted = QSizePolicy.Policy.Preferred if shown else _NO_ROOM
            if page is not None:
                page.setSizePolicy(wanted, wanted)
        self.pages.setCurrentIndex(0 if on else 1)
        for dock in self.docks:
            if on:
                dock.hide()
            else:
                dock.show()
        self.bar.setVisible(not on)
        status = self.statusBar()
        assert status is not None
        status.setVisible(not on)
        if not on:
            self.right.raise_()

    def show_training(self) -> None:
        """Bring the dock for training to the front."""
        if self.pages.currentIndex() == 1:
            self.fourth.show()
            self.fourth.raise_()

    def set_theme(self, theme: Theme) -> None:
        """Dress everything, dark or light."""
        self._theme = theme
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        apply(app, theme)
        for view in (self.camera, self.volume):
            view.dress(theme)
        self.volume.set_line_colour("#56b4e9")
        for plot in (self.along_z, self.change, self.training.curve):
            plot.dress(theme)
        self.rule.dress(theme)
        self.microscope.dress(theme)
        self._colour_icons()
        self.store.setValue("theme", theme.name)

    def toggle_theme(self) -> None:
        """From dark to light and back."""
        self.set_theme(LIGHT if self._theme is DARK else DARK)

    # ---- how it is built ----------------------------------------------------------

    def _lay_out(self) -> None:
        self.middle = middle = Middle()
        # the presenters fill these, wherever they stand
        self.status, self.camera, self.volume = (
            middle.status,
            middle.camera,
            middle.volume,
        )
        self.along_z, self.change = middle.along_z, middle.change
        self.made_of, self.rule = middle.made_of, middle.rule
        self.compare, self.which = middle.compare, middle.which
        self.colours, self.maximum = middle.colours, middle.maximum
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(middle)
        self.setCentralWidget(self.pages)
        self.predicted_error.toggled.connect(self.along_z.show_error)
        self.enlarge_camera.triggered.connect(lambda: middle.enlarge(self.camera))
        self.enlarge_volume.triggered.connect(lambda: middle.enlarge(self.volume))
        for pane in middle.panes:
            self.fit_pictures.triggered.connect(pane.fit)
            self.auto_contrast.triggered.connect(pane.contrast.restart)
            self.histograms.toggled.connect(pane.show_histogram)

    def _make_docks(self) -> None:
        area = Qt.DockWidgetArea
        self.left = self._dock("Microscope", self.microscope)
        self.right = self._dock("Scan", self.form)
        self.fourth = self._dock("Train", self.training)
        behind = [
            self._dock("Series", self.series),
            self.fourth,
            self._dock("Runs", self.runs),
        ]
        self.docks = (self.left, self.right, *behind)
        self.addDockWidget(area.LeftDockWidgetArea, self.left)
        self.addDockWidget(area.RightDockWidgetArea, self.right)
        for dock in behind:
            self.addDockWidget(area.RightDockWidgetArea, dock)
            self.tabifyDockWidget(self.right, dock)
        self.setTabPosition(area.RightDockWidgetArea, QTabWidget.TabPosition.North)
        corner = Qt.Corner
        self.setCorner(corner.BottomLeftCorner, area.LeftDockWidgetArea)
        self.setCorner(corner.BottomRightCorner, area.RightDockWidgetArea)

    def _dock(self, title: str, widget: QWidget) -> QDockWidget:
        dock = QDockWidget(title)
        dock.setObjectName(title)
        dock.setWidget(widget)
        dock.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetMovable
            | QDockWidget.DockWidgetFeature.DockWidgetFloatable
        )
        return dock

    def _make_bar(self) -> None:
        self.bar = QToolBar("Tools")
        self.bar.setObjectName("Tools")
        self.bar.setMovable(False)
        self.bar.setIconSize(QSize(20, 20))
        self.bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.microscope_name = QLabel()
        self.microscope_name.setObjectName("heading")
        self.microscope_name.setContentsMargins(4, 0, 14, 0)
        self.bar.addWidget(self.microscope_name)
        for action in (self.live, self.snap):
            self.bar.addAction(action)
        self.bar.addWidget(spacer())
        self.bar.addWidget(self.colours)
        for action in (self.show_3d, self.open_run, self.theme_action):
            self.bar.addAction(action)
        self.addToolBar(self.bar)

    def _colour_icons(self) -> None:
        self.colour_icons(self._theme.text)
        self.form.set_top.setIcon(
            QIconifyIcon("mdi:arrow-collapse-up", color=self._theme.text)
        )
        self.form.set_bottom.setIcon(
            QIconifyIcon("mdi:arrow-collapse-down", color=self._theme.text)
        )

    # ---- remembering --------------------------------------------------------------

    def remember(self) -> None:
        """Write layout and choices down."""
        if self.pages.currentIndex() == 1:
            self.middle.enlarge(None)
            self.layout_kept.save()
        self.store.setValue("root", self.form.folder.text())
        self.store.setValue("colours", self.colours.currentText())
        self.store.setValue("histograms", self.histograms.isChecked())
        self.store.setValue("error", self.predicted_error.isChecked())
        self.store.sync()

    def _restore(self) -> None:
        self.layout_kept = Layout(self, self.middle.splitters, self.store)
        self.layout_kept.restore()
        root = self.store.value("root")
        if root:
            self.form.folder.setText(str(root))
        self.colours.setCurrentText(str(self.store.value("colours", BY_CHANNEL)))
        self.histograms.setChecked(self.store.value("histograms", True, bool))
        self.predicted_error.setChecked(self.store.value("error", False, bool))

    def _standard_layout(self) -> None:
        self.layout_kept.standard()
        self.show_welcome(self.pages.currentIndex() == 0)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Close once everything has ended safely; until then ask for it."""
        assert event is not None
        if self.may_close:
            self.remember()
            event.accept()
            return
        event.ignore()
        self.close_asked.emit()
