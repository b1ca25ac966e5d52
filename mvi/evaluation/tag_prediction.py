# SPDX-License-Identifier: MIT
"""How well tags are predicted from what else is known of an image, beside predictors that know less or all.

A predictor gives each tag of each image a probability. The *marginal* predictor gives every image the
frequencies of the training rows, so it shows what a model gains by looking at the image. In a generated
world the probabilities by which tags are drawn are known, and the *optimal* predictor gives those: no
predictor can be better on average.

Shapes: n images, V tags of the vocabulary.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation.metrics import DEFINITIONS, array_of, descending, truth_of
from mvi.evaluation.scores import Score

_BLOCK = 1024


def tag_frequencies(counts: Any, rows: int) -> np.ndarray:
    """Probability of each tag (V,) float64 from the number of rows of `rows` that have it.

    It is (count + 1/2) / (rows + 1), so that a tag that no row has is not impossible. Raises `ShapeError` or
    `DataError` for counts that are none.
    """
    counts = np.asarray(counts, np.float64)
    if counts.ndim != 1 or rows < 1:
        raise ShapeError(f"Frequencies need counts (V,) of at least 1 row, not {counts.shape} of {rows}.")
    if not ((counts >= 0) & (counts <= rows)).all():
        raise DataError(f"Counts of tags in {rows} rows must lie between 0 and {rows}; count rows, not tags.")
    return (counts + 0.5) / (rows + 1)


def evaluate(
    probabilities: np.ndarray,
    tags: np.ndarray,
    frequencies: np.ndarray,
    *,
    optimal: np.ndarray | None = None,
    ks: Sequence[int] = (1, 3, 5, 10),
    minimum_positives: int = 10,
    floor: float = 1e-6,
) -> list[Score]:
    """Scores of the tags predicted, of the marginal predictor and, where it is known, of the optimal one.

    probabilities: (n, V) between 0 and 1, of each tag given the rest of the image
    tags: (n, V), the true tags, or how often each was given; what is above 0 counts as 1
    frequencies: (V,) probabilities of the marginal predictor (`tag_frequencies` of the training rows)
    optimal: (n, V) or None, the probabilities by which `tags` were drawn
    ks: of precision@k
    minimum_positives: images that a tag must have to be in the mean over tags
    floor: a probability is taken to lie between this and 1 - this in the logarithm

    Returns, for the model, whose method is left empty, and the methods "marginal" and, if given, "optimal",

    - "tags_precision_at_<k>": share of true ones among the k tags of highest probability, mean over the
      images that have a tag; equal probabilities keep the order of the vocabulary;
    - "tags_map_<definition>": mean over tags of the average precision of each (`rankings` has the
      definitions). The marginal predictor gives all images the same score, so by "step" this is the
      mean share of images with the tag;
    - "tags_log_loss": -log P(tags), summed over the vocabulary, mean over all images, nats;

    "tags_precision_at_<k>" of the method "oracle", which knows the tags (an image may have fewer than k);
    and "tags_pictures", "tags_pictures_without_tag" (left out of the precision), "tags_vocabulary",
    "tags_judged" (in the mean over tags), "tags_minimum_positives" and "tags_per_picture".

    Raises `ConfigError`, `ShapeError` or `DataError` where arguments do not fit, or where no tag or image
    can be evaluated.
    """
    tags = array_of(tags, "true tags")
    if tags.ndim != 2 or not tags.size:
        raise ShapeError(f"The true tags have shape {tags.shape}; give (images, vocabulary), neither 0.")
    true = truth_of(tags, "true tags", counts=True)
    frequencies = _probabilities(frequencies, (true.shape[1],), "frequencies of tags")
    predictors = {
        "": _probabilities(probabilities, true.shape, "probabilities predicted"),
        "marginal": np.broadcast_to(frequencies, true.shape),
    }
    if optimal is not None:
        predictors["optimal"] = _probabilities(optimal, true.shape, "optimal probabilities")
    if not ks or min(ks) < 1 or max(ks) > true.shape[1]:
        raise ConfigError(
            f"Precision was asked of the first {', '.join(map(str, ks)) or 'no'} tags; ask for 1 to "
            f"{true.shape[1]}, the size of the vocabulary."
        )
    if minimum_positives < 1 or not 0 < floor < 0.5:
        raise ConfigError(
            f"A tag must be asked to have at least 1 image, and the floor of probabilities to lie between "
            f"0 and 0.5, not {minimum_positives} and {floor:g}."
        )
    evaluated = np.flatnonzero(true.sum(axis=0) >= minimum_positives)
    has_tag = true.any(axis=1)
    if not len(evaluated):
        raise DataError(
            f"No tag has {minimum_positives} images among {len(true)}; use a larger split or ask for fewer."
        )
    scores = [
        Score(part="test", metric=f"tags_{metric}", value=value)
        for metric, value in {
            "pictures": len(true),
            "pictures_without_tag": int((~has_tag).sum()),
            "vocabulary": true.shape[1],
            "judged": len(evaluated),
            "minimum_positives": minimum_positives,
            "per_picture": float(true.sum() / len(true)),
        }.items()
    ]

    def add(method: str, metric: str, value: float) -> None:
        scores.append(Score(method=method, part="test", metric=f"tags_{metric}", value=value))

    for name, given in predictors.items():
        for k, value in zip(ks, precision_at(given[has_tag], true[has_tag], ks), strict=True):
            add(name, f"precision_at_{k}", float(value))
        for definition, measure in DEFINITIONS.items():
            values = [measure(given[:, tag], true[:, tag]) for tag in evaluated]
            add(name, f"map_{definition}", float(np.mean(values)))
        add(name, "log_loss", log_loss(given, true, floor))
    for k in ks:
        possible = np.minimum(true[has_tag].sum(axis=1), k) / k
        add("oracle", f"precision_at_{k}", float(np.mean(possible)))
    return scores


def precision_at(probabilities: np.ndarray, true: np.ndarray, ks: Sequence[int]) -> np.ndarray:
    """Share of true tags among the k of highest probability, mean over images, for each k of `ks`.

    `probabilities` and `true` (n, V); equal probabilities keep the order of the vocabulary.
    """
    total = np.zeros(max(ks))
    for start in range(0, len(true), _BLOCK):
        rows = slice(start, start + _BLOCK)
        first = descending(probabilities[rows])[:, : max(ks)]
        total += np.take_along_axis(true[rows], first, axis=1).sum(axis=0)
    return np.array([total[:k].sum() / (k * len(true)) for k in ks])


def log_loss(probabilities: np.ndarray, true: np.ndarray, floor: float) -> float:
    """-log P(tags) of independent tags, (n, V) each: summed over tags, mean over images, nats.

    A probability is taken to lie between `floor` and 1 - `floor`, so that one that was wrong by rounding
    to 0 or 1 costs much, and not infinitely much.
    """
    total = 0.0
    for start in range(0, len(true), _BLOCK):
        rows = slice(start, start + _BLOCK)
        p = np.clip(probabilities[rows].astype(np.float64), floor, 1 - floor)
        total -= float(np.log(np.where(true[rows], p, 1 - p)).sum())
    return total / len(true)


def _probabilities(values: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    values = array_of(values, name)
    if values.shape != shape:
        raise ShapeError(f"The {name} have shape {values.shape} where {shape} is needed.")
    if not ((values >= 0) & (values <= 1)).all():
        raise DataError(
            f"Some {name} do not lie between 0 and 1; give probabilities, not logits, and look at what "
            "computed them."
        )
    return values
