# SPDX-License-Identifier: MIT
"""Put pretrained layers under a network and finetune all of it by back-propagation through its passes."""

from common import device, of_run, start

log = start(snakemake)

import torch

from mvi.data import transforms
from mvi.data.store import Store
from mvi.models.checkpoints import load
from mvi.models.mdrnn import Mdrnn
from mvi.models.mrbm import MultimodalRBM
from mvi.models.pipeline import inputs_of
from mvi.models.rbm import RBM
from mvi.models.stacking import stack_layers
from mvi.objectives.finetuning import Finetuning
from mvi.training.precision import set_precision
from mvi.training.rows import mean_totals
from mvi.training.stage import made_from, stage_rows, train_stage

settings, stage = snakemake.params, snakemake.params.stage
place = device(snakemake, log)
set_precision(snakemake.params.precision, place)
scale, _ = transforms.load(snakemake.input.scale, place)
layers = {name: [load(path, RBM, device=place) for path in snakemake.input.get(name, ())] for name in scale}
with Store(snakemake.input.store) as store:
    parts, few = settings.rows["parts"], stage["minimum_tags"]
    totals = mean_totals(store, scale, settings.split, parts, minimum_tags=few)
network = stack_layers(
    layers,
    load(snakemake.input.network, MultimodalRBM, Mdrnn, device=place),
    stage["layers"],
    totals=totals,
    keep_offset=stage["keep_offset"],
)
rows = stage_rows(
    snakemake.input.store,
    inputs_of(scale, layers, network.depths),
    settings.split,
    stage["training"],
    **settings.rows,
    minimum_tags=few,
    device=place,
)
groups = ("top", *network.pathways)
objective = Finetuning.from_settings({**stage, "sparsity": dict.fromkeys(groups, stage["sparsity"])})


def measure(model):
    return {
        f"validation/{target}": objective.loss(model, rows.monitored, target)
        for target in stage["directions"]
    }


train_stage(
    network,
    objective,
    rows,
    stage["training"],
    torch.Generator(place).manual_seed(settings.seed),
    label=f"finetuning, {stage['name']}",
    weights=snakemake.output.weights,
    metrics=snakemake.output.metrics,
    config=of_run(snakemake),
    fingerprint=made_from(settings, snakemake.input, place),
    monitor=None if rows.monitored is None else measure,
)
