# SPDX-License-Identifier: MIT
"""Score linear classifiers on a raw input, on every split: what every model is to be compared with."""

from common import start

log = start(snakemake)

import numpy as np

from mvi.data.statistics import standard_deviation
from mvi.data.store import Store
from mvi.evaluation.multilabel import evaluate
from mvi.files import write_json

names = snakemake.wildcards.input.split("+")
with Store(snakemake.input.store) as store:
    rows, labels, classes = np.arange(store.n_labelled), store.labels(), store.classes
    splits = {number: store.split(number) for number in snakemake.params.splits}
    moments = {number: store.moments("image", number) for number in splits}
    parts = {name: slice(*ends) for name, ends in store.attrs["attributes"].get("descriptors", {}).items()}
    values = {name: store.read("text" if name == "text" else "image", rows) for name in names}


def standardised(name: str, number: int) -> np.ndarray:
    """Give one input of split `number` the scale at which it is classified."""
    if name == "text":
        # Whether a picture has a tag, as in the reference code.
        return np.where(values[name] > 0, np.float32(snakemake.params.text_scale), np.float32(0))
    if name == "sqrt_image":
        roots = np.sign(values[name]) * np.sqrt(np.abs(values[name]))
        seen = roots[splits[number]["train"]]
        mean, variance = seen.mean(0, dtype=np.float64), seen.var(0, dtype=np.float64, ddof=1)
    else:
        mean, variance = moments[number].mean, moments[number].variance
        roots = values[name]
    part = parts.get(name, slice(None))
    deviation = standard_deviation(variance, snakemake.params.standard_deviation)[part]
    return ((roots[:, part] - mean[part]) / deviation).astype(np.float32)


for (number, split), output in zip(splits.items(), snakemake.output, strict=True):
    columns = [standardised(name, number) for name in names]
    features = columns[0] if len(columns) == 1 else np.concatenate(columns, 1)
    scores = evaluate(features, labels, split, snakemake.params.penalties, classes=classes)
    write_json(output, scores)
    log.info("split %d: %s", number, {key: scores[key] for key in scores if "_map/" in key})
