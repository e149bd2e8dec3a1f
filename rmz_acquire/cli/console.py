"""What commands print with: results on stdout, progress and warnings on stderr."""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from rmz_acquire.errors import ScanFailed, message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "busy",
    "console",
    "microscope_errors",
    "set_up_logging",
    "share_bar",
    "stderr",
    "warn",
]

logger = logging.getLogger(__name__)

console = Console(highlight=False)
stderr = Console(stderr=True, highlight=False)
stdout = Console(highlight=False)


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Show that something goes on whose end is not known, and for how long."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    hidden = not stderr.is_terminal
    with Progress(*columns, console=stderr, transient=True, disable=hidden) as progress:
        progress.add_task(what, total=None)
        yield


@contextmanager
def share_bar(what: str) -> Iterator[Callable[[float], None]]:
    """Show how much of something is done, 0 to 1, and the time left."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(30),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    hidden = not stderr.is_terminal
    with Progress(*columns, console=stderr, transient=True, disable=hidden) as progress:
        task = progress.add_task(what, total=1.0)
        yield lambda share: progress.update(task, completed=share)


@contextmanager
def microscope_errors() -> Iterator[None]:
    """Say in one line what a device raises where no scan tells of it.

    Raises
    ------
    ScanFailed
        In place of the device's error.
    """
    try:
        yield
    except ScanFailed:
        raise
    except RuntimeError as error:
        logger.info("the microscope raised", exc_info=error)
        raise ScanFailed(f"the microscope failed: {message_of(error)}") from error


def warn(message: str) -> None:
    """Print one line of warning on stderr."""
    stderr.print(f"warning: {message}", style="yellow", markup=False, soft_wrap=True)


class _Lines(logging.Handler):
    """Prints what is logged as `warn` does, in one line, however wide it is.

    Tracebacks are left out: the log file of pymmcore-plus and --verbose have them.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line."""
        message = " ".join(record.getMessage().split())
        if record.levelno < logging.ERROR:
            warn(message)
        else:
            stderr.print(f"error: {message}", style="red", markup=False, soft_wrap=True)


def set_up_logging(*, verbose: bool) -> None:
    """Show warnings in one line each, or with `verbose` all that the parts log.

    pymmcore-plus sets the root logger to DEBUG and prints by itself: so the level is
    the handler's own, and its own printing is kept to what is critical.
    """
    os.environ.setdefault("PYMM_LOG_LEVEL", "INFO" if verbose else "CRITICAL")
    logging.getLogger("matplotlib").setLevel(logging.WARNING)
    handler: logging.Handler = _Lines()
    if verbose:
        handler = RichHandler(console=stderr, show_path=False)
        handler.setFormatter(logging.Formatter("%(message)s"))
    handler.setLevel(logging.INFO if verbose else logging.WARNING)
    handler.addFilter(lambda record: not record.name.startswith("pymmcore-plus"))
    if not verbose:
        # what a library tells its own developers
        warnings.filterwarnings("ignore", module=r"(lightning|torch)\.")
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h, RichHandler | _Lines)]:
        root.removeHandler(old)
    root.addHandler(handler)
