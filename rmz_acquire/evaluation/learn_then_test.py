"""Which threshold keeps a risk, with a stated confidence: fixed-sequence testing.

Every threshold has a null hypothesis: that scans which stop by it fail in more than a
share alpha of specimens. They are tested in an order that was fixed before there were
data, from the strictest to the loosest, until one is not rejected. The chance that any
before it is not as good as it was taken for is then at most 1 - confidence [1]_. That
needs specimens that are independent and like those to come, and nothing else: not that
failures grow with the threshold.

References
----------
.. [1] Angelopoulos, Bates, Candès, Jordan and Lei, "Learn then Test: calibrating
   predictive algorithms to achieve risk control", arXiv:2110.01052 (2021): section 3.1
   (fixed sequence), proposition 1 and the exact binomial tail for losses of 0 and 1.
.. [2] Clopper and Pearson, "The use of confidence or fiducial limits illustrated in
   the case of the binomial", Biometrika 26, 404 (1934).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import bdtr, betaincinv

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "failures_allowed",
    "fewest_specimens",
    "interval",
    "last_rejected",
    "p_values",
]


def p_values(failures: NDArray[np.int_], n: int, alpha: float) -> NDArray[np.float64]:
    """How likely so few failures are, or fewer, where the share is alpha.

    Parameters
    ----------
    failures : ndarray of int
        Of n specimens, by threshold.
    n : int
        Specimens.
    alpha : float
        Share of failures that is allowed, within 0 and 1.

    Returns
    -------
    ndarray
        P(Binomial(n, alpha) <= failures).
    """
    tail: NDArray[np.float64] = bdtr(np.asarray(failures, dtype=np.float64), n, alpha)
    return tail


def last_rejected(
    failed: NDArray[np.bool_], alpha: float, confidence: float
) -> int | None:
    """Test thresholds one by one, in their order, until one is not rejected.

    Parameters
    ----------
    failed : ndarray of bool, (T, n)
        Whether the scan of each specimen failed, by threshold: strictest first.
    alpha : float
        Share of failures that is allowed.
    confidence : float
        That it is kept.

    Returns
    -------
    int or None
        Index of the loosest threshold that keeps it; None where the first does not.
    """
    p = p_values(failed.sum(axis=1), failed.shape[1], alpha)
    # a float's last bit must not decide
    kept = p <= (1 - confidence) * (1 + 1e-9)
    count = len(kept) if kept.all() else int(np.argmin(kept))
    return count - 1 if count else None


def fewest_specimens(alpha: float, confidence: float) -> int:
    """How many specimens are needed where none of them fails.

    Parameters
    ----------
    alpha : float
        Share of failures that is allowed.
    confidence : float
        That it is kept.

    Returns
    -------
    int
        The smallest n with (1 - alpha)^n <= 1 - confidence.
    """
    n = math.log1p(-confidence) / math.log1p(-alpha)
    return max(1, math.ceil(n * (1 - 1e-12)))


def failures_allowed(n: int, alpha: float, confidence: float) -> int:
    """How many of n specimens may fail at a threshold that is still taken.

    Parameters
    ----------
    n : int
        Specimens.
    alpha, confidence : float
        As of `last_rejected`.

    Returns
    -------
    int
        -1 where n are too few.
    """
    p = p_values(np.arange(n + 1), n, alpha)
    return int(np.count_nonzero(p <= (1 - confidence) * (1 + 1e-9))) - 1


def interval(failures: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's interval of a share [2]_.

    Parameters
    ----------
    failures, n : int
        So many of so many.
    level : float
        With which it covers the share, at least.

    Returns
    -------
    (float, float)
        Its ends.
    """
    tail = (1 - level) / 2
    low = 0.0 if failures == 0 else betaincinv(failures, n - failures + 1, tail)
    high = 1.0 if failures == n else betaincinv(failures + 1, n - failures, 1 - tail)
    return float(low), float(high)
