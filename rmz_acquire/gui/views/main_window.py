"""The window: where everything stands, and the actions with their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QSettings, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QAction, QActionGroup, QCloseEvent, QKeySequence
from PyQt6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDockWidget,
    QLabel,
    QMainWindow,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)
from superqt import QIconifyIcon

from rmz_acquire.gui.theme import DARK, LIGHT, Theme, apply
from rmz_acquire.gui.views.curves import ChangePlot, DepthPlot
from rmz_acquire.gui.views.images import COLOUR_MAPS, PictureView, SliceView, spacer
from rmz_acquire.gui.views.microscope_panel import MicroscopePanel
from rmz_acquire.gui.views.remembering import Layout
from rmz_acquire.gui.views.runs_panel import RunsPanel
from rmz_acquire.gui.views.scan_form import ScanForm
from rmz_acquire.gui.views.series_panel import SeriesPanel
from rmz_acquire.gui.views.status import StatusCard
from rmz_acquire.gui.views.training_panel import TrainingPanel
from rmz_acquire.gui.views.welcome import WelcomePage

if TYPE_CHECKING:
    from pathlib import Path

    from rmz_acquire.gui.models.runs import RecentRuns

__all__ = ["MainWindow"]


class MainWindow(QMainWindow):
    """Lays out the views; a `Presenter` fills them.

    Parameters
    ----------
    store : QSettings
        Where layout and choices are remembered.
    runs : RecentRuns
        The last runs.
    root : Path
        Folder for runs, until another one is chosen.
    """

    close_asked = pyqtSignal()

    def __init__(self, store: QSettings, runs: RecentRuns, root: Path) -> None:
        super().__init__()
        self.setWindowTitle("rmz-acquire")
        self.setObjectName("rmz-acquire")
        self.store = store
        self.may_close = False
        self._theme = DARK
        self.welcome = WelcomePage()
        self.status = StatusCard()
        self.camera = PictureView()
        self.volume = SliceView()
        self.along_z = DepthPlot()
        self.change = ChangePlot()
        self.microscope = MicroscopePanel()
        self.form = ScanForm(root)
        self.series = SeriesPanel()
        self.training = TrainingPanel()
        self.runs = RunsPanel(runs)
        self._lay_out()
        self._make_docks()
        self._make_actions()
        self._make_bars()
        self.focus = QLabel()
        self.focus.setMinimumWidth(150)
        bar = self.statusBar()
        assert bar is not None
        bar.addPermanentWidget(self.focus)
        bar.setSizeGripEnabled(False)
        self.setMinimumSize(1100, 640)
        self.resize(1280, 720)
        self.set_theme(LIGHT if store.value("theme") == "light" else DARK)
        self._restore()
        self.show_welcome(True)

    # ---- what it shows ------------------------------------------------------------

    def show_welcome(self, on: bool) -> None:
        """Show the first page, or the microscope."""
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
            view.dress(theme.plot)
        self.volume.set_line_colour("#56b4e9")
        for plot in (self.along_z, self.change, self.training.curve):
            plot.dress(theme)
        self._colour_icons()
        self.store.setValue("theme", theme.name)

    def toggle_theme(self) -> None:
        """From dark to light and back."""
        self.set_theme(LIGHT if self._theme is DARK else DARK)

    # ---- how it is built ----------------------------------------------------------

    def _lay_out(self) -> None:
        self.compare = QComboBox()
        self.compare.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.compare.setToolTip("What is shown: the volume, or another one to compare")
        self.colours = QComboBox()
        self.colours.addItems(list(COLOUR_MAPS))
        self.colours.setToolTip("Colour map of all pictures")
        self.maximum = QCheckBox("Max")
        self.maximum.setToolTip("Largest value along each direction, not a cut")
        self.which = QComboBox()
        self.which.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.which.setToolTip("Which volume of the series is shown")
        self.which.hide()
        self.volume.head.insertWidget(0, self.which)
        for widget in (self.compare, self.maximum):
            self.volume.head.addWidget(widget)
        self.colours.currentTextChanged.connect(self.camera.set_colours)
        self.colours.currentTextChanged.connect(self.volume.set_colours)
        self.maximum.toggled.connect(self.volume.set_maximum)
        self.along_z.z_changed.connect(self.volume.set_z)
        self.volume.z_changed.connect(self.along_z.show_z)

        pictures = QSplitter(Qt.Orientation.Horizontal)
        pictures.addWidget(self.camera)
        pictures.addWidget(self.volume)
        pictures.setStretchFactor(0, 2)
        pictures.setStretchFactor(1, 3)
        curves = QSplitter(Qt.Orientation.Horizontal)
        curves.addWidget(self.along_z)
        curves.addWidget(self.change)
        curves.setSizes([360, 290])
        rows = QSplitter(Qt.Orientation.Vertical)
        rows.addWidget(pictures)
        rows.addWidget(curves)
        rows.setStretchFactor(0, 5)
        rows.setStretchFactor(1, 2)
        for splitter in (pictures, curves, rows):
            splitter.setHandleWidth(6)
            splitter.setChildrenCollapsible(False)
        pictures.setSizes([280, 400])
        rows.setSizes([370, 220])
        self.splitters = {"pictures": pictures, "curves": curves, "rows": rows}
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(6, 6, 6, 6)
        column.setSpacing(6)
        column.addWidget(self.status)
        column.addWidget(rows, 1)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(page)
        self.setCentralWidget(self.pages)

    def _make_docks(self) -> None:
        area = Qt.DockWidgetArea
        self.left = self._dock("Microscope", self.microscope)
        self.right = self._dock("Adaptive scan", self.form)
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

    def _make_actions(self) -> None:
        make = self._action
        self.connect_simulated = make("Simulated microscope", "mdi:cube-scan", "Ctrl+M")
        self.connect_config = make(
            "Load configuration…", "mdi:microscope", "Ctrl+Shift+O"
        )
        self.live = make("Live", "mdi:video-outline", "Ctrl+L")
        self.live.setCheckable(True)
        self.live.setToolTip("Show what the camera sees, again and again  (Ctrl+L)")
        self.snap = make("Snap", "mdi:camera-outline", "Ctrl+Return")
        self.snap.setToolTip("Take one picture  (Ctrl+Return)")
        self.start = make("Start scan", "mdi:play", "F5")
        self.pause = make("Pause or resume", "mdi:pause", "Ctrl+P")
        self.keep = make("Stop and keep", "mdi:content-save-outline", "Ctrl+.")
        self.abort = make("Abort", "mdi:close-octagon", "Shift+Esc")
        self.go_on = make("Go on after the stop", "mdi:play", "Ctrl+G")
        self.full_stack = make("Take full stack", "mdi:compare", "Ctrl+F")
        self.train = make("Train a model", "mdi:tune-variant", "Ctrl+J")
        self.train.triggered.connect(self.show_training)
        self.plane_here = make("Take a plane here", "mdi:plus-circle-outline", "Ctrl+K")
        self.set_bottom = make("Set bottom", "mdi:arrow-collapse-down", "[")
        self.set_top = make("Set top", "mdi:arrow-collapse-up", "]")
        self.focus_up = make("Focus up", "mdi:chevron-up", "PgUp")
        self.focus_down = make("Focus down", "mdi:chevron-down", "PgDown")
        self.slice_up = make("Slice up", "mdi:chevron-up", "Ctrl+Up")
        self.slice_down = make("Slice down", "mdi:chevron-down", "Ctrl+Down")
        self.load_settings = make("Load settings…", "mdi:file-cog-outline", "Ctrl+I")
        self.save_settings = make(
            "Save settings…", "mdi:content-save-outline", "Ctrl+S"
        )
        self.open_run = make("Open run…", "mdi:history", "Ctrl+O")
        self.open_folder = make("Open folder", "mdi:folder-open-outline", "Ctrl+E")
        self.show_3d = make("3D", "mdi:cube-outline", "Ctrl+3")
        self.show_3d.setToolTip("The volume in 3D, in a window of its own  (Ctrl+3)")
        self.export = make(
            "Export shown volume…", "mdi:file-export-outline", "Ctrl+Shift+S"
        )
        self.napari = make("Open in napari", "mdi:layers-outline", "Ctrl+Shift+N")
        self.theme_action = make("Dark or light", "mdi:theme-light-dark", "Ctrl+T")
        self.theme_action.triggered.connect(self.toggle_theme)
        self.close_action = make("Quit", "mdi:power", QKeySequence.StandardKey.Quit)
        self.close_action.triggered.connect(self.close)
        self.reset_layout = make("Standard layout", "mdi:view-comfy", "")
        self.reset_layout.triggered.connect(self._standard_layout)
        self.about_keys = make("Keys", "mdi:help-circle-outline", "F1")

    def _action(
        self, text: str, icon: str, key: str | QKeySequence.StandardKey
    ) -> QAction:
        action = QAction(text, self)
        action.setData(icon)
        if key:
            action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        self.addAction(action)
        return action

    def _make_bars(self) -> None:
        menu = self.menuBar()
        assert menu is not None
        groups = {
            "&Microscope": (
                self.connect_simulated,
                self.connect_config,
                None,
                self.live,
                self.snap,
                None,
                self.focus_up,
                self.focus_down,
                self.set_top,
                self.set_bottom,
                None,
                self.close_action,
            ),
            "&Scan": (
                self.start,
                self.pause,
                self.keep,
                self.abort,
                self.plane_here,
                self.go_on,
                self.full_stack,
                None,
                self.load_settings,
                self.save_settings,
                None,
                self.train,
            ),
            "&Run": (
                self.open_run,
                self.open_folder,
                self.show_3d,
                self.napari,
                self.export,
            ),
            "&View": (
                self.slice_up,
                self.slice_down,
                None,
                self.theme_action,
                self.reset_layout,
            ),
            "&Help": (self.about_keys,),
        }
        self.menus = {}
        for title, actions in groups.items():
            entry = menu.addMenu(title)
            assert entry is not None
            self.menus[title] = entry
            for action in actions:
                if action is None:
                    entry.addSeparator()
                else:
                    entry.addAction(action)
        self.colour_group = QActionGroup(self)
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
        for action in self.actions():
            name = action.data()
            if name:
                action.setIcon(QIconifyIcon(name, color=self._theme.text))
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
            self.layout_kept.save()
        self.store.setValue("root", self.form.folder.text())
        self.store.setValue("colours", self.colours.currentText())
        self.store.sync()

    def _restore(self) -> None:
        self.layout_kept = Layout(self, self.splitters, self.store)
        self.layout_kept.restore()
        root = self.store.value("root")
        if root:
            self.form.folder.setText(str(root))
        self.colours.setCurrentText(str(self.store.value("colours", "Grey")))

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
