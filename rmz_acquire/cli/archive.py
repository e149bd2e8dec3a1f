"""Many volumes at once, as the command line shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from rmz_acquire.cli.console import busy, console, stderr
from rmz_acquire.cli.flags import flagged
from rmz_acquire.errors import InputError, ScanFailed
from rmz_acquire.installing import install_line, missing

if TYPE_CHECKING:
    from rmz_acquire.experiments.archive_planes import Found, VolumeJob

__all__ = ["FLAGS", "check_many", "reconstruct_many"]

FLAGS = {
    "z_um": "--z",
    "overwrite=True": "--overwrite",
    "time, position, field and channel are": (
        "--time, --position, --field and --channel are"
    ),
}
"""Of what an archive is told."""
_SCHEDULER = {"scheduler ": "--scheduler ", "wait_s": "--wait"}


def check_many(out: Path, workers: int | None, scheduler: str | None) -> None:
    """Refuse what does not go with a folder, before anything is read.

    Raises
    ------
    InputError
        Naming the option.
    """
    if out.exists() and not out.is_dir():
        msg = f"--out {out} is a file: name a folder, or a new *.ome.tif"
        raise InputError(msg)
    if workers is not None and scheduler is not None:
        msg = "--workers are of this machine: with --scheduler it has its own"
        raise InputError(msg)
    gone = missing("cluster")
    if gone:
        msg = f"many volumes need {', '.join(gone)}: {install_line('cluster')}"
        raise InputError(msg)


def reconstruct_many(
    sources: Sequence[Path],
    out: Path,
    job_of: Callable[[Found, Path], VolumeJob],
    *,
    pixel_size_um: float | None,
    which: Mapping[str, int | str | None],
    overwrite: bool,
    workers: int | None,
    scheduler: str | None,
    wait_s: float,
) -> None:
    """Make every volume of every source by several processes, and say how it went.

    Parameters
    ----------
    sources, out, job_of, pixel_size_um, which, overwrite
        As for `rmz_acquire.experiments.archive.plan_archive`.
    workers, scheduler, wait_s
        As for `rmz_acquire.experiments.archive_workers.make_all`.

    Raises
    ------
    InputError
        Where there is nothing to be made, or nobody to make it.
    ScanFailed
        Where not all was made; says which before.
    """
    with busy("reading"), flagged(FLAGS):
        from rmz_acquire.experiments.archive import plan_archive
        from rmz_acquire.experiments.archive_workers import make_all

        archive = plan_archive(
            sources,
            out,
            job_of,
            pixel_size_um=pixel_size_um,
            which=which,
            overwrite=overwrite,
        )
    todo, lost = len(archive.jobs), []
    if not todo and not archive.standing:
        first = archive.failed[0].reason if archive.failed else None
        msg = first or f"{sources[0]} has no such volume"
        raise InputError(msg)
    start = perf_counter()
    with _bar(todo) as done, flagged(_SCHEDULER):
        try:
            lost = make_all(
                archive.jobs,
                workers=workers,
                scheduler=scheduler,
                wait_s=wait_s,
                on_done=lambda *_: done(),
            )
        except KeyboardInterrupt:
            msg = f"stopped; what was made is in {out}: the same command goes on"
            raise ScanFailed(msg) from None
    failed = [*archive.failed, *lost]
    for each in failed:
        line = f"not made: {each.what}: {each.reason}"
        stderr.print(line, markup=False, soft_wrap=True)
    console.print(
        f"volumes  {todo - len(lost)} made in {perf_counter() - start:.1f} s, "
        f"{archive.standing} stood already, {len(failed)} not made; in {out}",
        markup=False,
        soft_wrap=True,
    )
    if failed:
        msg = f"{len(failed)} not made, see above; the same command tries them again"
        raise ScanFailed(msg)


@contextmanager
def _bar(volumes: int) -> Iterator[Callable[[], None]]:
    """Show how many are done, and the time left."""
    columns = (
        TextColumn("volumes"),
        BarColumn(30),
        TextColumn("{task.completed:.0f} of {task.total:.0f}"),
        TimeRemainingColumn(),
    )
    hidden = not stderr.is_terminal
    with Progress(*columns, console=stderr, transient=True, disable=hidden) as progress:
        task = progress.add_task("", total=volumes)
        yield lambda: progress.advance(task)
