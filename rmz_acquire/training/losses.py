"""Losses on normalised planes: those of the paper, and one relative to the prior.

References
----------
.. [1] Huang et al., "Recurrent neural network-based volumetric fluorescence
   microscopy", Light Sci. Appl. 10, 62 (2021), Methods 4.2, eqs. 7 to 10.
.. [2] Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image
   quality assessment", Asilomar Conf. Signals, Systems and Computers (2003), eq. 7
   and its five weights.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = [
    "adversarial",
    "berhu",
    "discriminator_loss",
    "ms_ssim",
    "paper_loss",
    "relative_error",
]

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_SIGMA, _K1, _K2 = 1.5, 0.01, 0.03


def berhu(output: Tensor, target: Tensor, *, c: float = 0.1) -> Tensor:
    """Mean reversed Huber loss: linear up to c, quadratic beyond.

    Parameters
    ----------
    output, target : Tensor
        Normalised planes of one shape.
    c : float
        Where the two branches meet, with one slope.

    Returns
    -------
    Tensor
        Scalar.

    References
    ----------
    Eq. 8 of [1]_.
    """
    error = (output - target).abs()
    both = error.where(error <= c, (error.square() + c * c) / (2 * c))
    return both.mean()


def ms_ssim(output: Tensor, target: Tensor, *, data_range: float = 1.0) -> Tensor:
    """Multi-scale structural similarity of planes.

    Five scales with a Gaussian window of 11 pixels, sigma 1.5; planes too small for
    that at the coarsest scale get a smaller window, and then fewer scales, whose
    weights are scaled up to the same sum.

    Parameters
    ----------
    output, target : Tensor
        (P, H, W) or (P, 1, H, W) normalised planes.
    data_range : float
        Of the target.

    Returns
    -------
    Tensor
        Scalar, 1 where they are equal.

    References
    ----------
    Eq. 7 of [2]_, in the loss of eq. 7 of [1]_.
    """
    x, y = (t.reshape(-1, 1, *t.shape[-2:]).float() for t in (output, target))
    side = min(x.shape[-2:])
    scales = len(_WEIGHTS)
    while scales > 1 and side // 2 ** (scales - 1) < 5:
        scales -= 1
    size = min(11, (side // 2 ** (scales - 1) - 1) // 2 * 2 + 1)
    places = torch.arange(size, dtype=x.dtype, device=x.device) - size // 2
    window = torch.exp(-places.square() / (2 * _SIGMA**2))
    window = window / window.sum()
    weights = torch.tensor(_WEIGHTS[:scales], dtype=x.dtype, device=x.device)
    weights = weights * (sum(_WEIGHTS) / weights.sum())
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2

    def blur(picture: Tensor) -> Tensor:
        rows = functional.conv2d(picture, window[None, None, :, None])
        return functional.conv2d(rows, window[None, None, None, :])

    # Variances are differences of near equals: half precision makes them negative.
    with torch.autocast(x.device.type, enabled=False):
        total = x.new_ones(len(x))
        for k in range(scales):
            mean_x, mean_y = blur(x), blur(y)
            var_x, var_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
            cov = blur(x * y) - mean_x * mean_y
            similar = (2 * cov + c2) / (var_x + var_y + c2)
            if k == scales - 1:
                bright = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
                similar = similar * bright
            # a fractional power of what may be negative; its slope at 0 is infinite
            score = similar.mean((1, 2, 3)).clamp_min(1e-4)
            total = total * score ** weights[k]
            x, y = functional.avg_pool2d(x, 2), functional.avg_pool2d(y, 2)
    return total.mean()


def adversarial(judged: Tensor) -> Tensor:
    """Least-squares GAN loss of the generator: its planes should be judged 1.

    Parameters
    ----------
    judged : Tensor
        (P,) the discriminator's word on made planes.

    Returns
    -------
    Tensor
        Scalar.

    References
    ----------
    Eq. 9 of [1]_.
    """
    return (judged - 1).square().mean()


def discriminator_loss(judged_made: Tensor, judged_true: Tensor) -> Tensor:
    """Least-squares loss of the discriminator: 0 for made planes, 1 for true ones.

    Parameters
    ----------
    judged_made, judged_true : Tensor
        (P,) its word on either.

    Returns
    -------
    Tensor
        Scalar.

    References
    ----------
    Eq. 10 of [1]_.
    """
    made: Tensor = judged_made.square().mean()
    return 0.5 * (made + adversarial(judged_true))


def paper_loss(
    output: Tensor,
    target: Tensor,
    judged: Tensor | None = None,
    *,
    berhu_weight: float = 3.0,
    ms_ssim_weight: float = 1.0,
    gan_weight: float = 0.5,
) -> Tensor:
    """The paper's loss: BerHu, 1 - MS-SSIM and the adversary, each by its weight.

    Parameters
    ----------
    output, target : Tensor
        (P, H, W) normalised planes.
    judged : Tensor, optional
        (P,) the discriminator's word on the output; None where there is none.
    berhu_weight, ms_ssim_weight, gan_weight : float
        By default the paper's.

    Returns
    -------
    Tensor
        Scalar.

    References
    ----------
    Eq. 7 of [1]_.
    """
    loss = berhu_weight * berhu(output, target)
    if ms_ssim_weight:
        loss = loss + ms_ssim_weight * (1 - ms_ssim(output, target))
    if judged is not None and gan_weight:
        loss = loss + gan_weight * adversarial(judged)
    return loss


def relative_error(
    output: Tensor,
    target: Tensor,
    prior: Tensor,
    prior_error: Tensor,
    *,
    floor: float = 0.02,
) -> Tensor:
    """Squared and absolute error, each over the prior's own.

    About 1 where the network adds nothing to its prior. Errors count in units of what
    the prior predicts for each plane, so that planes near and far from those taken,
    specimens on which the prior is good and bad, all weigh alike.

    Parameters
    ----------
    output, target, prior : Tensor
        (P, H, W) normalised planes.
    prior_error : Tensor
        (P,) RMS error that the prior predicts for itself.
    floor : float
        Added to the prior's mean errors, in those units.

    Returns
    -------
    Tensor
        Scalar.
    """
    unit = prior_error[:, None, None]
    error, before = (output - target) / unit, (prior - target) / unit
    squared = error.square().mean() / (before.square().mean() + floor)
    absolute = error.abs().mean() / (before.abs().mean() + floor)
    mean: Tensor = 0.5 * (squared + absolute)
    return mean
