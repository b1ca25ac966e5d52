# SPDX-License-Identifier: MIT
"""What is kept so that a collection answers at once: codes of images and of tags, and likeliest tags.

States of an image-only query, of an image with its tags and of a tag lie apart, so that each is taken
around the mean of its kind, which the model holds (`mvi.models.centring`).

Shapes: n images, d features, V tags of the vocabulary, K units of the joint representation.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mvi.collection.images import content_hash, state_of
from mvi.collection.index import Index, unit
from mvi.errors import NonFiniteError
from mvi.models.base import MultimodalModel

KEPT = 30
"""Tags that are kept of an image."""


class Answers(NamedTuple):
    """The fields of an `Index` that a model computes."""

    codes: np.ndarray
    top: np.ndarray
    probabilities: np.ndarray
    features: np.ndarray


def built(
    model: MultimodalModel,
    about: Mapping[str, Any],
    names: list[str],
    tags: list[list[str]],
    features: np.ndarray,
) -> Index:
    """The index of the images `names`, which lie in about["pictures"], from their features (n, d)."""
    files = [Path(about["pictures"]) / name for name in names]
    text = counts_of(tags, model.vocabulary)
    return Index(
        about={**about, "vocabulary": model.vocabulary},
        names=names,
        tags=tags,
        hashes=np.array([content_hash(file) for file in files]),
        states=np.array([state_of(file) for file in files], np.int64),
        tag_codes=tag_codes_of(model),
        **answers(model, features, text)._asdict(),
    )


def counts_of(tags: list[list[str]], vocabulary: list[str]) -> np.ndarray:
    """(n, V) float32, 1 where an image has a tag of the vocabulary."""
    column = {word: at for at, word in enumerate(vocabulary)}
    counts = np.zeros((len(tags), len(vocabulary)), np.float32)
    for row, own in enumerate(tags):
        counts[row, [column[tag] for tag in own if tag in column]] = 1
    return counts


def tag_codes_of(model: MultimodalModel) -> np.ndarray:
    """(V, K) float16 codes of each tag alone."""
    words = np.eye(model.sizes["text"], dtype=np.float32)
    return unit(model.encode({"image": None, "text": words}, centre=True)).astype(np.float16)


def answers(model: MultimodalModel, features: np.ndarray, text: np.ndarray) -> Answers:
    """The model's answers about images of these features (n, d) and tags (n, V)."""
    given = {"image": features, "text": text}
    codes = unit(model.encode(given, observed={"text": text.any(1)}, centre=True))
    probabilities = tag_probabilities(model, features)
    top = np.argsort(-probabilities, axis=1, kind="stable")[:, :KEPT]
    likeliest = np.take_along_axis(probabilities, top, 1)
    if not np.isfinite(codes).all() or not np.isfinite(likeliest).all():
        raise NonFiniteError("the model gives numbers that are not finite; fit it again with fewer --effort.")
    return Answers(
        codes.astype(np.float16),
        top.astype(np.int32),
        likeliest.astype(np.float32),
        features.astype(np.float16),
    )


def tag_probabilities(model: MultimodalModel, features: np.ndarray) -> np.ndarray:
    """(n, V) of each tag, given the images only; of counts, which may be several, their mean, at most 1."""
    return np.minimum(np.asarray(model.complete({"image": features, "text": None}, "text")), 1)


def image_codes(model: MultimodalModel, features: np.ndarray) -> np.ndarray:
    """(n, K) float32 codes of image-only queries."""
    return unit(np.asarray(model.encode({"image": features, "text": None}, centre=True)))


def average_precision(scores: np.ndarray, text: np.ndarray) -> float:
    """How well scores (n, V) rank each image's tags (n, V): average precision, mean over tagged images."""
    found: list[float] = []
    for row, own in zip(scores, text, strict=True):
        if own.any():
            hits = own[np.argsort(-row, kind="stable")] > 0
            ranks = np.flatnonzero(hits) + 1
            found.append(float(np.mean(np.arange(1, len(ranks) + 1) / ranks)))
    return float(np.mean(found)) if found else float("nan")


def learned(
    model: MultimodalModel, features: np.ndarray, text: np.ndarray, common: np.ndarray
) -> dict[str, Any]:
    """What is to be said of the suggestions of a model: their average precision and that of tag frequencies.

    common: (V,) how many of the images that the model learned from have each tag
    """
    return {
        "images": int(text.any(1).sum()),
        "suggested": average_precision(tag_probabilities(model, features), text),
        "frequencies": average_precision(np.broadcast_to(common, text.shape), text),
    }
