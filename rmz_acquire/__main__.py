"""``python -m rmz_acquire``: the command where no script is on the path."""

from __future__ import annotations

from rmz_acquire.cli.app import main

if __name__ == "__main__":
    raise SystemExit(main())
