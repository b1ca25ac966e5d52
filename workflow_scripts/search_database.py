# SPDX-License-Identifier: MIT
"""Search test rows by other test rows and by single tags, and score what is found, on each split.

By the cosine of representations as they are (Sohn et al. 2014), and around the mean of their kind of query.
"""

from common import start

log = start(snakemake)

import numpy as np

from mvi.data.representations import Representations
from mvi.data.store import Store
from mvi.evaluation.centring import around, query_means
from mvi.evaluation.queries import queries_of
from mvi.evaluation.retrieval import CHANCE, draw, evaluate, nearest
from mvi.evaluation.scores import CENTRED, placed, write_scores
from mvi.evaluation.tag_search import asked_tags, scores_of

params, wildcards = snakemake.params, snakemake.wildcards
settings, by_tag = dict(params.settings), dict(params.tag_search)
seed, k = settings.pop("seed"), by_tag.pop("k")
found = []
with Store(snakemake.input.store) as store, Representations(snakemake.input.representations) as file:
    queries, labels, known = queries_of(store.modalities), store.labels(), store.known()
    has = store.read("text", np.arange(store.n_labelled)) > 0
    tagged = has.any(1) if params.untagged == "inferred" else None
    for part in params.parts:
        states = {query: file.read(part["name"], query) for query in queries}
        words = file.read(part["name"], "words")
        for split in part["splits"]:
            rows = store.split(split)
            kept, asked = draw(rows["test"], seed=[seed, split], **settings)
            means = query_means(
                states, rows["train"], words=words, counts=has[rows["train"]].sum(0), tagged=tagged
            )
            tags = asked_tags(has[rows["test"]], **by_tag)
            for variant in ("", CENTRED):
                codes = {
                    query: around(found_by, query, means, tagged) if variant else found_by
                    for query, found_by in states.items()
                }
                database = codes[queries[0]][kept]
                scores = [
                    score
                    for query in queries
                    for score in evaluate(
                        database,
                        codes[query][asked],
                        labels[kept],
                        labels[asked],
                        known=(known[kept], known[asked]),
                        query=query,
                    )
                ]
                alone = words[tags] - (means["text"].astype(np.float32) if variant else 0)
                for name, query in (("tagged", queries[0]), ("untagged", "image")):
                    first, _ = nearest(codes[query][rows["test"]], alone, min(k, len(rows["test"])))
                    scores += scores_of(first, has[rows["test"]], tags, database=name)
                if variant:
                    # What is found by chance is the same.
                    scores = [score for score in scores if score.method != CHANCE]
                where = {"run": wildcards.run, "method": wildcards.model, "variant": variant}
                found += placed(scores, **where, seed=part["seed"], split=split)
                shown = {s.query: s.value for s in scores if s.metric == "retrieval_map_interpolated"}
                log.info("%s, split %d, %s: %s", part["name"], split, variant or "plain", shown)
write_scores(snakemake.output[0], found)
