"""Compare stops on regions with stops on the whole picture: prints a table.

python scripts/region_agreement.py wiener 12
python scripts/region_agreement.py richardson-lucy 2
"""

from __future__ import annotations

import sys

import torch

from rmz_acquire.defaults import EPSILON
from rmz_acquire.evaluation.region_agreement import (
    agreement_table,
    compare_stops,
    specimens,
)


def main() -> None:
    """Take the estimator, how many specimens of each kind, and epsilon."""
    torch.set_num_threads(1)
    estimator, per_kind = sys.argv[1], int(sys.argv[2])
    epsilon = float(sys.argv[3]) if len(sys.argv) > 3 else EPSILON
    size = int(sys.argv[4]) if len(sys.argv) > 4 else 384
    found = []
    seed = int(sys.argv[5]) if len(sys.argv) > 5 else 1000
    given = specimens(per_kind, size=size, seed=seed)
    for each in compare_stops(estimator, given, epsilon=epsilon):
        found.append(each)
        whole, regions = ([round(c, 3) for c in some] for some in each.changes)
        sys.stderr.write(
            f"{each.specimen}: {each.whole} {each.regions} {whole} {regions} "
            f"{each.cpu_s[0]:.2f} {each.cpu_s[1]:.2f}\n"
        )
    sys.stdout.write("\n".join(agreement_table(found)) + "\n")


if __name__ == "__main__":
    main()
