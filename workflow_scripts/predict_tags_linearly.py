# SPDX-License-Identifier: MIT
"""Predict the tags of test images by logistic regressions on input features, on every split."""

from common import start

log = start(snakemake)

import numpy as np

from mvi.data.statistics import standard_deviation
from mvi.data.store import Store
from mvi.evaluation.linear_tags import chosen_penalty, tag_classifiers, tag_probabilities
from mvi.evaluation.scores import Score, placed, write_scores
from mvi.evaluation.tag_prediction import evaluate, tag_frequencies
from mvi.training.rows import layer_rows

params, name, found = snakemake.params, snakemake.wildcards.input, []
settings, linear = dict(params.settings), params.linear
scored = {key: settings[key] for key in ("ks", "minimum_positives")}
fitted = {}
with Store(snakemake.input.store) as store:

    def image(rows: np.ndarray) -> np.ndarray:
        """Features (n, d), or their square roots with signs."""
        values = store.read("image", rows)
        return np.sign(values) * np.sqrt(np.abs(values)) if name == "sqrt_image" else values

    def has(rows: np.ndarray) -> np.ndarray:
        """Which rows have which tag."""
        return store.read("text", rows) > 0

    for number in params.splits:
        split = store.split(number)
        # What the network may learn from; lambda is chosen without the validation rows.
        first, seen = (
            layer_rows(store, number, parts=parts, cap=linear["rows"]) for parts in (["train"], params.parts)
        )
        values = image(first)
        mean = values.mean(0, dtype=np.float64)
        variance = values.var(0, dtype=np.float64, ddof=1)
        deviation = standard_deviation(variance, params.standard_deviation)

        def scaled(values: np.ndarray, mean=mean, deviation=deviation) -> np.ndarray:
            """Standardised by the training rows."""
            return ((values - mean.astype(np.float32)) / deviation.astype(np.float32)).astype(np.float32)

        penalty = chosen_penalty(
            (scaled(values), has(first)),
            (scaled(image(split["validation"])), has(split["validation"])),
            grid=linear["lambda"],
            tags=linear["tags"],
            tolerance=linear["tolerance"],
            floor=1e-6,
        )
        del values
        tags, true = has(seen), has(split["test"])
        # Splits that learn from the same rows, as from unlabelled ones, share the classifiers.
        learned = (seen.tobytes(), mean.tobytes(), penalty)
        if learned not in fitted:
            fitted.clear()
            fitted[learned] = tag_classifiers(
                scaled(image(seen)), tags, penalty=penalty, tolerance=linear["tolerance"]
            )
        predicted = tag_probabilities(fitted[learned], scaled(image(split["test"])))
        scores = evaluate(predicted, true, tag_frequencies(tags.sum(0), len(seen)), **scored)
        # The others, and the numbers of rows, are with those of the network.
        kinds = ("tags_precision", "tags_map", "tags_log_loss")
        own = [score for score in scores if not score.method and score.metric.startswith(kinds)]
        own.append(Score(metric="tags_lambda", value=penalty))
        where = {"run": snakemake.wildcards.run, "method": name, "query": "image"}
        found += placed(own, **where, split=number)
        log.info("split %d: %s", number, {score.metric: score.value for score in own})
write_scores(snakemake.output[0], found)
