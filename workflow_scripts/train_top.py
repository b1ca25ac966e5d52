# SPDX-License-Identifier: MIT
"""Train the layer on top of all pathways by one objective; if asked, judge each epoch on validation rows."""

from common import device, start

log = start(snakemake)

import torch

from mvi.data import transforms
from mvi.evaluation.cross_entropy import monitor
from mvi.evaluation.validation import validation_map
from mvi.mrbm import MultimodalRBM
from mvi.objectives import build
from mvi.pathways import Encode
from mvi.precision import set_precision
from mvi.stages import made_from, stage_rows, train_stage
from mvi.weights import load

settings = snakemake.params
place = device(snakemake, log)
set_precision(snakemake.params.precision, place)
scale, _ = transforms.load(snakemake.input.scale, place)
below = {name: [load(path, place) for path in snakemake.input[name]] for name in scale}
sees = {name: Encode(first, below[name]) for name, first in scale.items()}
rows = stage_rows(
    snakemake.input.store,
    sees,
    settings.split,
    settings.schedule,
    **settings.rows,
    minimum_tags=settings.minimum_tags,
    device=place,
)
generator = torch.Generator(place).manual_seed(settings.seed)
model = MultimodalRBM.initialise(
    {name: layers[-1].hidden.size for name, layers in below.items()},
    generator=generator,
    visible_mean=rows.batches.mean(),
    **settings.model,
)


def measure(model: MultimodalRBM, watched: torch.Tensor) -> dict[str, float]:
    """Cross-entropy of each modality's units given the others, on rows that are not learned from."""
    values = {name: watched[:, part].cpu().numpy() for name, part in model.slices.items()}
    looks = settings.monitor
    return monitor(values, iterations=looks["iterations"], start=looks["start_state"])(model)


judge = None
if settings.judged:
    judge = validation_map(snakemake.input.store, sees, settings.split, device=place, **settings.judged)
train_stage(
    model,
    build(snakemake.wildcards.objective, settings.objective),
    rows,
    settings.schedule,
    generator,
    label=f"top layer by {snakemake.wildcards.objective}",
    weights=snakemake.output.weights,
    metrics=snakemake.output.metrics,
    config=snakemake.config,
    fingerprint=made_from(settings, snakemake.input, place),
    monitor=measure,
    judge=judge,
)
