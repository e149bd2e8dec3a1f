"""What commands print with: results on stdout, progress and warnings on stderr."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["busy", "console", "stderr", "warn"]

console = Console(highlight=False)
stderr = Console(stderr=True, highlight=False)


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Show that something goes on whose end cannot be foretold, and for how long."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    hidden = not stderr.is_terminal
    with Progress(*columns, console=stderr, transient=True, disable=hidden) as progress:
        progress.add_task(what, total=None)
        yield


def warn(message: str) -> None:
    """Print one line of warning on stderr."""
    stderr.print(f"warning: {message}", style="yellow", markup=False, soft_wrap=True)
