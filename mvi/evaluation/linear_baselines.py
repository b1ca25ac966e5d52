# SPDX-License-Identifier: MIT
"""Linear baselines on input features, with which every model is to be compared.

Of two halves of an image these are pixels (`concatenated`, `mean_imputed`). Of images and tags
(`InputFeatures`) descriptors are standardised; a tag counts as one fixed value, so that one penalty suits
both. `image` is all descriptors, `sqrt_image` their signed square roots, and a descriptor's own name its
columns alone. What a query lacks may be imputed, by its mean or by a regression, for one classifier of both
(`FILLED`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mvi.data.statistics import Floor, standard_deviation
from mvi.data.store import Store
from mvi.errors import DataError
from mvi.evaluation.classification import Classifier, Query, evaluate, evaluate_each
from mvi.evaluation.missing_tags import queries_without_tags
from mvi.evaluation.queries import FILLED, queries_of
from mvi.evaluation.scores import Score

WHOLE = ("image", "sqrt_image")


def baseline(
    store: Store,
    name: str,
    classifier: Classifier,
    *,
    text_scale: float,
    floor: Floor,
    ridges: Sequence[float] = (1.0,),
    missing: Mapping[str, Any] | None = None,
) -> Callable[[int], list[Score]]:
    """What scores one baseline on a split of `store`, which stays open; raises as the classifiers do.

    name: "raw_own", a classifier for each query on the values that it gives; "raw_filled", one classifier,
        with mean imputation over the training rows; of `FILLED`, the same for images and tags; else inputs
        of `InputFeatures`, joined by "+"
    text_scale, floor: as `InputFeatures` takes them
    ridges: as for `regression_imputed`
    missing: "shares" and "seed" of `missing_tags`, for what takes the image and tags: where these are missing
        they are imputed by their mean over the training rows, or as where all are
    """
    labels, known = store.labels(), store.known()
    if name in ("raw_own", "raw_filled"):
        queries = queries_of(store.modalities)
        values = {modality: store.read(modality) for modality in store.modalities}
        if name == "raw_own":
            each = concatenated(values, queries)
            return lambda split: evaluate_each(each, labels, store.split(split), classifier, known=known)

        def by_means(split: int) -> list[Score]:
            parts = store.split(split)
            given = mean_imputed(values, queries, parts["train"])
            return evaluate(given, labels, parts, classifier, known=known)

        return by_means
    if name in FILLED:
        form, by_regression = FILLED[name]
        names, queries = [form, "text"], queries_of(store.modalities)
        side_by_side = InputFeatures(store, names, floor=floor, text_scale=text_scale)

        def imputed(split: int) -> list[Score]:
            parts, scaled, width = store.split(split), side_by_side.of_split(split), store.sizes["image"]
            values = {"image": scaled[:, :width], "text": scaled[:, width:]}
            if by_regression:
                completed = regression_imputed(values, queries, parts["train"], parts["validation"], ridges)
            else:
                completed = mean_imputed(values, queries, parts["train"])
            reads, also = {one.name: one.read for one in completed}, []
            if missing is not None:

                def lacking(rows: np.ndarray, lost: np.ndarray) -> np.ndarray:
                    return np.where(lost[:, None], reads["image"](rows), reads[queries[0]](rows))

                tagged = store.tag_counts() > 0
                also = queries_without_tags(
                    queries[0], lacking, parts["test"], tagged, **missing, split=split
                )
            return evaluate(completed, labels, parts, classifier, known=known, also=also)

        return imputed
    inputs = name.split("+")
    raw = InputFeatures(store, inputs, floor=floor, text_scale=text_scale)
    # Every input but the tags is of the image.
    query = "+".join(dict.fromkeys("text" if one == "text" else "image" for one in inputs))

    def scaled(split: int) -> list[Score]:
        values, parts, also = raw.of_split(split), store.split(split), []
        if missing is not None and query == "image+text" and inputs[-1] == "text":
            first = values.shape[1] - store.sizes["text"]
            mean = values[parts["train"], first:].mean(0, dtype=np.float64)

            def lacking(rows: np.ndarray, lost: np.ndarray) -> np.ndarray:
                found = values[rows]
                found[lost, first:] = mean
                return found

            tagged = store.tag_counts() > 0
            also = queries_without_tags(query, lacking, parts["test"], tagged, **missing, split=split)
        features = Query(query, values.__getitem__)
        return evaluate([features], labels, parts, classifier, known=known, also=also)

    return scaled


class InputFeatures:
    """The labelled rows of the inputs `names` of a store, side by side.

    `text_scale` is what a tag counts as and `floor` how constant columns are kept from exploding
    (`mvi.data.statistics`). Raises `DataError` for an input that the store does not have.
    """

    def __init__(self, store: Store, names: Sequence[str], *, floor: Floor, text_scale: float) -> None:
        parts = {
            name: slice(*ends) for name, ends in store.attrs["attributes"].get("descriptors", {}).items()
        }
        known = [*WHOLE, "text", *parts]
        for name in names:
            if name not in known:
                raise DataError(
                    f"{store.path} has no input {name!r} to classify; it has {', '.join(known)}, so choose "
                    "among them in baselines.inputs."
                )
        self._store, self._names, self._parts = store, list(names), parts
        self._floor, self._text_scale = floor, text_scale
        rows = np.arange(store.n_labelled)
        self._values = {}
        for name in names:
            values = store.read("text" if name == "text" else "image", rows)
            if name == "sqrt_image":
                values = np.sign(values) * np.sqrt(np.abs(values))
            self._values[name] = values[:, parts.get(name, slice(None))]

    def of_split(self, number: int) -> np.ndarray:
        """(L, columns) float32, scaled by what may be seen in split `number`.

        The moments are the store's own; those of signed square roots are taken over the training rows.
        """
        widths = [values.shape[1] for values in self._values.values()]
        result = np.empty((self._store.n_labelled, sum(widths)), np.float32)
        stop = 0
        for (name, values), width in zip(self._values.items(), widths, strict=True):
            start, stop = stop, stop + width
            target = result[:, start:stop]
            if name == "text":
                # Whether an image has a tag, as in the reference code.
                np.multiply(values > 0, np.float32(self._text_scale), out=target)
                continue
            mean, deviation = self._moments(name, values, number)
            np.subtract(values, mean.astype(np.float32), out=target)
            target /= deviation.astype(np.float32)
        return result

    def _moments(self, name: str, values: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
        if name == "sqrt_image":
            seen = values[self._store.split(number)["train"]]
            mean, variance = seen.mean(0, dtype=np.float64), seen.var(0, dtype=np.float64, ddof=1)
        else:
            moments = self._store.moments("image", number)
            mean, variance = moments.mean, moments.variance
        # The floor is that of all columns, whichever of them are classified.
        part = self._parts.get(name, slice(None))
        return mean[part], standard_deviation(variance, self._floor)[part]


def concatenated(values: Mapping[str, np.ndarray], queries: Sequence[str]) -> list[Query]:
    """The values of the modalities that each query gives; `values`: modality -> (n, d)."""

    def query(name: str) -> Query:
        given = [values[modality] for modality in name.split("+")]
        return Query(name, lambda rows: np.concatenate([value[rows] for value in given], axis=1))

    return [query(name) for name in queries]


def mean_imputed(values: Mapping[str, np.ndarray], queries: Sequence[str], train: np.ndarray) -> list[Query]:
    """The values of all modalities; of those that a query lacks, the mean over the rows `train`."""
    means = {
        name: value[train].mean(axis=0, dtype=np.float64).astype(np.float32) for name, value in values.items()
    }

    def query(name: str) -> Query:
        given = name.split("+")

        def read(rows: np.ndarray) -> np.ndarray:
            parts = [
                value[rows] if modality in given else np.tile(means[modality], (len(rows), 1))
                for modality, value in values.items()
            ]
            return np.concatenate(parts, axis=1)

        return Query(name, read)

    return [query(name) for name in queries]


def regression_imputed(
    values: Mapping[str, np.ndarray],
    queries: Sequence[str],
    train: np.ndarray,
    validation: np.ndarray,
    ridges: Sequence[float],
) -> list[Query]:
    """The values of both modalities; one that a query lacks is imputed by a linear regression from the other.

    It is fitted to the rows `train` with that of the `ridges`, in mean variances of the given columns, whose
    squared error on the rows `validation` is the least.
    """

    def query(name: str) -> Query:
        given = name.split("+")
        regressions = {
            missing: _best_regression(values[given[0]], values[missing], train, validation, ridges)
            for missing in values
            if missing not in given
        }

        def read(rows: np.ndarray) -> np.ndarray:
            parts = [
                regressions[modality](values[given[0]][rows]) if modality in regressions else value[rows]
                for modality, value in values.items()
            ]
            return np.concatenate(parts, axis=1)

        return Query(name, read)

    return [query(name) for name in queries]


def _best_regression(
    x: np.ndarray, y: np.ndarray, train: np.ndarray, validation: np.ndarray, ridges: Sequence[float]
) -> Callable[[np.ndarray], np.ndarray]:
    """From (B, d) of the one modality to (B, e) of the other."""
    mean_x, mean_y = x[train].mean(0, dtype=np.float64), y[train].mean(0, dtype=np.float64)
    centred, target = x[train] - mean_x, y[train] - mean_y
    variance = float(np.square(centred).mean())
    # On rows or on columns, whichever are fewer: slopes are X'(XX' + p)^-1 Y or (X'X + p)^-1 X'Y.
    wide = centred.shape[1] > len(centred)
    gram = centred @ centred.T if wide else centred.T @ centred
    goal = target if wide else centred.T @ target
    best, least = goal, np.inf
    for ridge in ridges:
        penalty = ridge * variance * len(centred) * np.eye(len(gram))
        slopes = np.linalg.solve(gram + penalty, goal)
        slopes = centred.T @ slopes if wide else slopes
        error = float(np.square((x[validation] - mean_x) @ slopes + mean_y - y[validation]).mean())
        if error < least:
            best, least = slopes, error
    return lambda rows: ((rows - mean_x) @ best + mean_y).astype(np.float32)
