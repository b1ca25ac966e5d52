# SPDX-License-Identifier: MIT
"""What is known of a generated data set beside its files: for readers, who need no painter."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mvi.errors import DataError
from mvi.files import read_arrays


def tag_probabilities(truth_path: str | Path, tags: Sequence[str]) -> np.ndarray:
    """Return P(tag | scene), (n, tags) float32, for the columns `tags`, such as the vocabulary of a store.

    Raises `DataError` where the file is no truth of a generated world or one of `tags` is not of that world.
    """
    truth = read_arrays(truth_path)
    if not {"tags", "tag_probability"} <= truth.keys():
        raise DataError(
            f"{truth_path} is not the truth of a generated world; delete it and run the workflow again."
        )
    known, probability = truth["tags"].tolist(), truth["tag_probability"]
    column = {tag: number for number, tag in enumerate(known)}
    for tag in tags:
        if tag not in column:
            raise DataError(f"{truth_path} knows no tag {tag!r}; ask for tags of the same generated world.")
    return probability[:, [column[tag] for tag in tags]]
