# SPDX-License-Identifier: MIT
"""Put a network, the scale of its inputs and the vocabulary into one file, so that raw features go in.

With it go the mean states of each kind of query over rows that the network may have learned from.
"""

from common import device, of_run, start

log = start(snakemake)

from mvi.data import transforms
from mvi.data.store import Store
from mvi.evaluation.queries import queries_of
from mvi.models.assembly import encoder_from_files
from mvi.models.base import Inference
from mvi.models.centring import mean_states
from mvi.models.checkpoints import save
from mvi.training.rows import layer_rows

given, params = snakemake.input, snakemake.params
scale, _ = transforms.load(given.scale)
place = device(snakemake, log)
encoder = encoder_from_files(given.scale, dict.fromkeys(scale, ()), given.network, place)
encoder.inference = Inference(**params.inference)
with Store(given.store) as store:
    settings, names = params.centring, store.modalities
    rows = layer_rows(store, params.split, parts=settings["parts"], cap=settings["rows"])
    encoder.centres = mean_states(
        encoder,
        (
            {name: store.read(name, block) for name in names}
            for block in store.blocks(rows, settings["block"])
        ),
        queries_of(names),
        words="text" if store.vocabulary else "",
        inferred=settings["untagged"] == "inferred",
    )
log.info("mean states of %s over %d rows", ", ".join(encoder.centres), len(rows))
save(snakemake.output[0], encoder, of_run(snakemake))
