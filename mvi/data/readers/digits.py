# SPDX-License-Identifier: MIT
"""The 1,797 handwritten digits that scikit-learn carries: real data without a download."""

import numpy as np

CITATION = (
    "Alpaydin, Kaynak (1998): Optical Recognition of Handwritten Digits, UCI Machine Learning Repository "
    "(its test part, as carried by scikit-learn)"
)
BRIGHTEST = 16  # pixels are counts of ink in 4x4 cells of a binary picture


def load() -> tuple[np.ndarray, np.ndarray]:
    """Return images (1797, 8, 8) float32 in [0, 1] and labels (1797,) int64, the digit 0 to 9."""
    # Importing scikit-learn takes seconds; other users of this package do not need it.
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return (bunch.images / BRIGHTEST).astype(np.float32), bunch.target.astype(np.int64)
