"""Which key of an experiment's file a refusal is about."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["key_of"]


@contextmanager
def key_of(key: str) -> Iterator[None]:
    """Put the key before the message of a refusal."""
    try:
        yield
    except InputError as error:
        msg = f"{key}: {error}"
        raise InputError(msg) from None
