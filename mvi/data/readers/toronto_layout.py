# SPDX-License-Identifier: MIT
"""What is in the archive `flickr_data.tar.gz` of Srivastava and Salakhutdinov (2012), and by which names.

Under `flickr/` there are: a block of image features for every 10,000 images of the MIRFLICKR-1M
collection, in its order, as `image/labelled/combined-00001-of-00100.npy` and so on (block 3 is cut in halves,
of which the first is labelled); the tags as counts in CSR form, `text/text_all_2000_labelled.npz` and
`..._unlabelled.npz`, written by numpy and without the entry that SciPy's own reader wants; `text/vocab.txt`
with index, word and count a line; `labels.npy`; and `splits/{train,valid,test}_indices_{1..5}.npy`. Rows are
in the same order everywhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from mvi.data.splits import PARTS

FOLDER = "flickr/"
LABELS, VOCABULARY = "labels.npy", "text/vocab.txt"
# Columns of the original's images, and how many of them, the last ones, count visual words.
IMAGE_COLUMNS, COUNT_COLUMNS = 3857, 2000
# The tags of the labelled and of the unlabelled rows; the names have the number of the original's words.
TEXTS = ("text/text_all_2000_labelled.npz", "text/text_all_2000_unlabelled.npz")


@dataclass(frozen=True)
class Expected:
    """What an archive of this layout should hold: the original's numbers unless given.

    Of `blocks` image blocks those before number `cut_block` and the first half of that one hold the
    `n_labelled` rows, the others the `n_unlabelled` ones. A block has `image_columns` columns, the last
    `count_columns` of which are counts of visual words. `classes` names the label columns, whose order the
    original does not document.
    `split_sizes` are those of train, validation and test. `text_sum` is the sum of all counts of tags;
    `vocabulary_counts` says that the counts of the vocabulary's file are those of the matrices; `untagged`
    is the number of labelled and of unlabelled rows without a tag, and `first_untagged` the first labelled
    ones; `label_mean` is the mean of the label matrix, met within `label_mean_tolerance`. What is None (or
    False) is not checked.
    """

    n_labelled: int = 25_000
    n_unlabelled: int = 975_000
    blocks: int = 100
    cut_block: int = 3
    image_columns: int = IMAGE_COLUMNS
    count_columns: int | None = COUNT_COLUMNS
    vocabulary_size: int = 2000
    classes: tuple[str, ...] = tuple(f"column_{number:02}" for number in range(1, 39))
    splits: int = 5
    split_sizes: tuple[int, int, int] = (10_000, 5000, 10_000)
    text_sum: int | None = 5_150_884
    vocabulary_counts: bool = True
    untagged: tuple[int, int] | None = (4551, 123_950)
    first_untagged: tuple[int, ...] | None = (11, 13, 15, 21, 23)
    label_mean: float | None = 0.124
    label_mean_tolerance: float = 0.001

    def without(self, unchecked: Iterable[str]) -> "Expected":
        """Return the same without some of what need not hold: names of `UNCHECKABLE`."""
        return replace(self, **{name: UNCHECKABLE[name] for name in unchecked})

    @property
    def n_rows(self) -> int:
        """Number of all rows, the labelled ones first."""
        return self.n_labelled + self.n_unlabelled

    def block_rows(self) -> dict[str, range]:
        """Return the rows of each image block by its name under the archive's folder, in row order."""
        names = [self._name(f"{number:05}", True) for number in range(1, self.cut_block)]
        names += [self._name(f"{self.cut_block:05}_{half}", half == 0) for half in (0, 1)]
        names += [self._name(f"{number:05}", False) for number in range(self.cut_block + 1, self.blocks + 1)]
        before, after = self.cut_block - 1, self.blocks - self.cut_block
        labelled = self.n_labelled // (2 * before + 1)
        unlabelled = self.n_unlabelled // (2 * after + 1)
        sizes = [*[2 * labelled] * before, labelled, unlabelled, *[2 * unlabelled] * after]
        ends = list(accumulate(sizes, initial=0))
        return {name: range(*ends[i : i + 2]) for i, name in enumerate(names)}

    def split_names(self) -> dict[str, tuple[int, str]]:
        """Return the number and part of each split file by its name."""
        files = dict(zip(PARTS, ("train", "valid", "test"), strict=True))
        return {
            f"splits/{files[part]}_indices_{number}.npy": (number, part)
            for number in range(1, self.splits + 1)
            for part in PARTS
        }

    def _name(self, block: str, labelled: bool) -> str:
        return f"image/{'' if labelled else 'un'}labelled/combined-{block}-of-{self.blocks:05}.npy"


ARCHIVE = Expected()
# What follows from descriptions of the archive rather than from its layout, and what stands for no check.
UNCHECKABLE: dict[str, Any] = {
    "text_sum": None,
    "vocabulary_counts": False,
    "untagged": None,
    "first_untagged": None,
    "count_columns": None,
    "label_mean": None,
}
