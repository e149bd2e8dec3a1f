"""Checkpoints that are whole or not there: a full disk leaves the last one intact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from rmz_acquire.atomic_io import replace_file
from rmz_acquire.errors import ScanFailed

__all__ = ["WholeCheckpoints"]


class WholeCheckpoints(TorchCheckpointIO):
    """Writes beside the old checkpoint and takes its place when all is on disk."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Save.

        Parameters
        ----------
        checkpoint : dict
            Lightning's.
        path : path
            The file.
        storage_options : None
            Not used.

        Raises
        ------
        ScanFailed
            Where it cannot be written; what was there before is untouched.
        """
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with replace_file(target) as file:
                torch.save(checkpoint, file)
        except (OSError, RuntimeError) as error:
            kept = f"; {target} of before is intact" if target.exists() else ""
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            msg = (
                f"the checkpoint cannot be written ({reason}){kept}: make room and "
                "give the same command again"
            )
            raise ScanFailed(msg) from error
