# SPDX-License-Identifier: MIT
"""Search test rows by the cosine of input features, as representations do, on each split."""

from common import start

log = start(snakemake)

from mvi.data.store import Store
from mvi.evaluation.input_codes import input_codes, query_of
from mvi.evaluation.retrieval import CHANCE, draw, evaluate
from mvi.evaluation.scores import CENTRED, placed, write_scores

params = snakemake.params
settings, found = dict(params.settings), []
seed = settings.pop("seed")
with Store(snakemake.input.store) as store:
    labels, known = store.labels(), store.known()
    for split in params.splits:
        rows = store.split(split)
        kept, asked = draw(rows["test"], seed=[seed, split], **settings)
        for name in params.inputs:
            for variant in ("", CENTRED):
                codes = input_codes(store, name, rows["train"], centre=bool(variant), block=params.block)
                scores = evaluate(
                    codes(kept),
                    codes(asked),
                    labels[kept],
                    labels[asked],
                    known=(known[kept], known[asked]),
                    query=query_of(name),
                )
                scores = [score for score in scores if score.method != CHANCE]
                found += placed(
                    scores, run=snakemake.wildcards.run, method=name, variant=variant, split=split
                )
                shown = {s.query: s.value for s in scores if s.metric == "retrieval_map_interpolated"}
                log.info("split %d, %s %s: %s", split, name, variant, shown)
write_scores(snakemake.output[0], found)
