"""The adversary of the training loss: tells reconstructed planes from true ones.

References
----------
.. [1] Huang et al., Light Sci. Appl. 10, 62 (2021), Methods 4.2, eqs. 7 and 10.
"""

from __future__ import annotations

from torch import Tensor, nn

from rmz_acquire.networks.network_configs import DiscriminatorConfig

__all__ = ["Discriminator"]


class Discriminator(nn.Module):
    """Convolutions that halve the picture, then a mean and one number.

    Parameters
    ----------
    config : DiscriminatorConfig
        Its size.
    """

    def __init__(self, config: DiscriminatorConfig | None = None) -> None:
        super().__init__()
        config = config or DiscriminatorConfig()
        layers: list[nn.Module] = []
        inputs = 1
        for k in range(config.levels):
            width = config.base_channels * 2**k
            layers += [
                nn.Conv2d(inputs, width, 3, padding=1),
                nn.LeakyReLU(0.01),
                nn.Conv2d(width, width, 3, padding=1, stride=2),
                nn.LeakyReLU(0.01),
            ]
            inputs = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(inputs, inputs),
            nn.LeakyReLU(0.01),
            nn.Linear(inputs, 1),
            nn.Sigmoid(),
        )

    def forward(self, planes: Tensor) -> Tensor:
        """Judge planes.

        Parameters
        ----------
        planes : Tensor
            (P, 1, H, W) normalised.

        Returns
        -------
        Tensor
            (P,) near 1 for what looks true, near 0 for what looks made.
        """
        out: Tensor = self.head(self.features(planes))
        return out[:, 0]
