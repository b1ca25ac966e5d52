# SPDX-License-Identifier: MIT
"""Multimodal RBMs small enough to be written out: every probability by brute force from the energy
(Eq. 5).

Nothing here goes through the model's own conditionals or free energy, so that those can be checked
against it. Float64 numpy throughout. Shapes: D visible and K hidden units in all, D_m of modality
m.
"""

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from mvi.errors import ConfigError
from mvi.models.mrbm import MultimodalRBM
from mvi.theory.worlds import binary_states

LARGEST = 14
"""Units that may be enumerated: 2^14 joint states of (v, h), a few milliseconds."""


def check_size(visible: int, hidden: int) -> None:
    """Raise `ConfigError` where a model has more than `LARGEST` units in all."""
    if visible + hidden > LARGEST:
        raise ConfigError(
            f"a model of {visible} visible and {hidden} hidden units is too large to enumerate; "
            f"lower x_units, y_units or hidden_units to at most {LARGEST} in all."
        )


class Enumeration:
    """The exact distribution of one binary `MultimodalRBM`, frozen at its present parameters.

    Raises `ConfigError` for more than `LARGEST` units, or up and down factors other than 1, with
    which the conditionals do not belong to the energy.
    """

    def __init__(self, model: MultimodalRBM) -> None:
        check_size(model.visible.size, model.hidden.size)
        if {*model.ups.values(), model.down} != {1.0}:
            raise ConfigError(
                f"a model with up factors {model.ups} and down factor {model.down} has "
                "conditionals that no joint distribution has; set them all to 1."
            )
        self.sizes: Mapping[str, int] = dict(model.sizes)
        self.visible = binary_states(model.visible.size)  # (2^D, D)
        self.hidden = binary_states(model.hidden.size)  # (2^K, K)
        weight, visible_bias, hidden_bias = (
            model.parameters[name].detach().cpu().numpy().astype(np.float64)
            for name in ("weight", "visible_bias", "hidden_bias")
        )
        self.energy = -(
            self.visible @ weight @ self.hidden.T
            + (self.visible @ visible_bias)[:, None]
            + self.hidden @ hidden_bias
        )
        """(2^D, 2^K) energy of every joint state (Eq. 5)."""

        # Subtracting the least energy keeps the exponentials finite.
        weights = np.exp(self.energy.min() - self.energy)
        self.log_z = float(np.log(weights.sum()) - self.energy.min())
        """Log of the normalising constant Z."""
        self.probability = weights / weights.sum()
        """(2^D, 2^K) P(v, h)."""

    @cached_property
    def joint(self) -> np.ndarray:
        """(2^D_1, 2^D_2, ...) P(x, y, ...), an axis for each modality in the model's order."""
        return self.probability.sum(1).reshape([2**size for size in self.sizes.values()])

    @property
    def hidden_given_visible(self) -> np.ndarray:
        """(2^D, K) P(h_k = 1 | v) for every visible state."""
        return self.probability @ self.hidden / self.probability.sum(1, keepdims=True)

    @property
    def visible_given_hidden(self) -> np.ndarray:
        """(2^K, D) P(v_i = 1 | h) for every hidden state."""
        return self.probability.T @ self.visible / self.probability.sum(0)[:, None]

    def hidden_given(self, name: str) -> np.ndarray:
        """(2^D_m, K) P(h_k = 1 | modality) for every state of one modality, the others summed out."""
        cells = self.probability.reshape(*self.joint.shape, -1)
        others = tuple(i for i, other in enumerate(self.sizes) if other != name)
        cells = cells.sum(axis=others)
        return cells @ self.hidden / cells.sum(1, keepdims=True)

    def moments(self) -> dict[str, np.ndarray]:
        """Expectations under the model of -dE/d(parameter), keyed and shaped as the parameters."""
        return {
            "weight": self.visible.T @ self.probability @ self.hidden,
            "visible_bias": self.probability.sum(1) @ self.visible,
            "hidden_bias": self.probability.sum(0) @ self.hidden,
        }


def table_of(rows: np.ndarray, sizes: Mapping[str, int]) -> np.ndarray:
    """(2^D_1, 2^D_2, ...) empirical distribution of binary rows (n, D): the data side of Eqs. 2 to 4."""
    place = 2 ** np.arange(rows.shape[1])[::-1]
    counts = np.bincount((rows @ place).astype(np.int64), minlength=2 ** rows.shape[1])
    return (counts / len(rows)).reshape([2**size for size in sizes.values()])
