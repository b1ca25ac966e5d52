# SPDX-License-Identifier: MIT
"""Score linear classifiers on raw pixels, the reference rows of Table 1."""

from common import start

log = start(snakemake)

from mvi.data.store import Store
from mvi.evaluation.protocol import evaluate_raw_filled, evaluate_raw_own
from mvi.evaluation.queries import queries_of
from mvi.files import write_json

with Store(snakemake.input.store) as store:
    pixels = {name: store.read(name) for name in store.modalities}
    for evaluate, path in (
        (evaluate_raw_own, snakemake.output.own),
        (evaluate_raw_filled, snakemake.output.filled),
    ):
        scores = evaluate(
            pixels,
            store.labels(),
            store.split(1),
            snakemake.params.C,
            queries=queries_of(store.modalities),
            tolerance=snakemake.params.tolerance,
        )
        write_json(path, scores)
        log.info("%s", scores)
