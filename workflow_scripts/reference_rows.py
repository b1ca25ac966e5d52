# SPDX-License-Identifier: MIT
"""Score linear classifiers on input features, on every split: what every model is to be compared with."""

from common import start

log = start(snakemake)

from mvi.data.store import Store
from mvi.evaluation.classification import Logistic, Query, evaluate
from mvi.evaluation.raw_inputs import RawInputs
from mvi.evaluation.scores import write_scores

settings, inputs = dict(snakemake.params.settings), snakemake.wildcards.input
scale = {"floor": snakemake.params.standard_deviation, "text_scale": settings.pop("text_scale")}
grid = settings.pop("lambda")
# Every input but the tags is of the image.
query = "+".join(dict.fromkeys("text" if name == "text" else "image" for name in inputs.split("+")))
with Store(snakemake.input.store) as store:
    raw = RawInputs(store, inputs.split("+"), **scale)
    classifier = Logistic(grid, store.classes, **settings)
    for split, output in zip(snakemake.params.splits, snakemake.output, strict=True):
        features = Query(query, raw.of_split(split).__getitem__)
        scores = evaluate([features], store.labels(), store.split(split), classifier)
        write_scores(output, scores, run=snakemake.params.run, method=inputs, split=split)
        shown = {s.part: s.value for s in scores if s.metric == "map_interpolated"}
        log.info("split %d: %s", split, shown)
