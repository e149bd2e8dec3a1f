"""Starts the window: icons, colours, log file, and the window itself."""

from __future__ import annotations

import atexit
import faulthandler
import gc
import logging
import os
import signal
import sys
import threading
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

# before Qt: on Windows its libraries otherwise keep torch's from loading
import torch  # noqa: F401

os.environ.setdefault("QT_API", "pyqt6")
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PyQt6")

from PyQt6.QtCore import QSettings, QStandardPaths
from PyQt6.QtGui import QIcon
from PyQt6.QtWidgets import QApplication

from rmz_acquire.gui import icons

icons.install()

from rmz_acquire.gui.controllers.thumbnail_worker import Thumbnailer  # noqa: E402
from rmz_acquire.gui.models.pace import PaceBook  # noqa: E402
from rmz_acquire.gui.models.runs import RecentRuns  # noqa: E402
from rmz_acquire.gui.views.commands import Commands  # noqa: E402
from rmz_acquire.gui.views.main_window import MainWindow  # noqa: E402
from rmz_acquire.gui.views.presenter import Presenter  # noqa: E402
from rmz_acquire.gui.views.region_drawing import RegionDrawing  # noqa: E402
from rmz_acquire.gui.views.steering import Steering  # noqa: E402
from rmz_acquire.gui.views.training_presenter import TrainingPresenter  # noqa: E402
from rmz_acquire.gui.views.wheel import guard_wheel  # noqa: E402
from rmz_acquire.gui.views.wiring import connect_views  # noqa: E402
from rmz_acquire.workers import leave  # noqa: E402

if TYPE_CHECKING:
    from types import TracebackType

    from rmz_acquire.optics import Optics

__all__ = ["Gui", "make_gui", "run"]

# Before PyQt's own clean-up, which was registered first and so comes last: it walks
# over all objects there are, and crashes where a window in a cycle outlived its Qt.
atexit.register(gc.collect)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gui:
    """A window and what runs it."""

    window: MainWindow
    presenter: Presenter
    commands: Commands
    training: TrainingPresenter


def make_gui(
    state: Path, root: Path, log_file: Path | None = None, *, measure: bool = True
) -> Gui:
    """Make the window; a QApplication must be there.

    Parameters
    ----------
    state : Path
        Folder where layout, choices and the list of runs are remembered.
    root : Path
        Folder for runs, until another one is chosen.
    log_file : Path, optional
        Named where an error is shown.
    measure : bool
        Whether to measure in the background how long planes take here.

    Returns
    -------
    Gui
        Not shown yet.
    """
    state.mkdir(parents=True, exist_ok=True)
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    guard_wheel(app)
    store = QSettings(str(state / "window.ini"), QSettings.Format.IniFormat)
    runs = RecentRuns(state / "runs.json")
    thumbnails = Thumbnailer(state / "thumbnails")
    window = MainWindow(store, runs, root, thumbnails)
    times = PaceBook(state / "pace.json") if measure else None
    presenter = Presenter(window, runs, log_file, times)
    presenter.endings.append(thumbnails.stop)
    commands = Commands(presenter)
    connect_views(presenter, Steering(presenter), commands)
    RegionDrawing(presenter)
    return Gui(window, presenter, commands, TrainingPresenter(presenter))


def run(
    config: str | None = None,
    out: Path | None = None,
    optics: tuple[Optics, str] | None = None,
) -> int:
    """Open the window and stay until it is closed.

    Parameters
    ----------
    config : str, optional
        A configuration to load at once; else the window asks.
    out : Path, optional
        Folder for runs.
    optics : (Optics, str), optional
        Calibrated ones to fill in, and the name of their file.

    Returns
    -------
    int
        0; where a device did not answer at the end the process is left with 1.
    """
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("rmz-acquire")
    app.setApplicationDisplayName("rmz-acquire")
    app.setWindowIcon(QIcon(icons.window_icon()))
    where = QStandardPaths.writableLocation(
        QStandardPaths.StandardLocation.AppDataLocation
    )
    state = Path(where)
    log_file = _log_to(state)
    gui = make_gui(state, out or Path.home() / "rmz-acquire-runs", log_file)
    if out is not None:
        gui.window.form.folder.setText(str(out))

    if optics is not None:
        gui.commands.take_optics(*optics)

    def hook(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        logger.error("uncaught in the window", exc_info=(kind, error, trace))

    sys.excepthook = hook
    _close_on_signals(gui.window)
    gui.window.show()
    if config is not None:
        gui.presenter.connect_microscope(config)
    code = app.exec()
    ending = gui.presenter.ending
    if ending is not None and ending.left_behind:
        # threads that wait for a device would keep the process for ever
        if sys.stderr is not None:
            sys.stderr.writelines(f"error: {line}\n" for line in ending.left_behind)
        leave(1)
    return code


def _close_on_signals(window: MainWindow) -> None:
    """Let ctrl-C, a logout or a `kill` close the window safely, light off."""
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, lambda *_: window.close())


def _log_to(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "rmz-acquire.log"
    handler = RotatingFileHandler(file, maxBytes=1_000_000, backupCount=2)
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    handler.setLevel(logging.INFO)
    logging.getLogger().addHandler(handler)
    if sys.stderr is not None:
        faulthandler.enable()
    return file
