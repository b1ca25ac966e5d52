# SPDX-License-Identifier: MIT
# From a store to finetuned networks. Checkpoints lie beside the weights and are no outputs: Snakemake would
# delete them after a kill.


# Fewer pairs than there are, for runs that ask for so many.
rule draw_pairs:
    input:
        of(Run.store),
    output:
        "results/{run}/inputs/{part}.h5",
    log:
        "results/{run}/logs/draw_pairs/{part}.log",
    threads: 1
    resources:
        mem_mb=memory(1500, 1, of(Run.all_mb)),
        runtime=minutes(30, 0.02, of(Run.all_mb)),
    params:
        pairs=of(lambda run: run.settings["pairs"]),
        split=of(Run.split),
        parts=of(setting("rows", "parts")),
        seed=of(setting("rows", "seed")),
        code=code("draw_pairs.py"),
    message:
        "Drawing the pairs that {wildcards.run} learns from"
    script:
        "../workflow_scripts/draw_pairs.py"


rule scale_inputs:
    input:
        store=of(Run.training_store),
    output:
        "results/{run}/inputs/{part}.safetensors",
    log:
        "results/{run}/logs/scale_inputs/{part}.log",
    threads: 1
    resources:
        mem_mb=memory(1500, 0.1, of(Run.all_mb)),
        runtime=minutes(30, 0.02, of(Run.all_mb)),
    params:
        split=of(Run.split),
        transforms=of(Run.transforms),
        parts=of(setting("rows", "parts")),
        standard_deviation=of(setting("standard_deviation")),
        code=code("scale_inputs.py"),
    message:
        "Finding the scale of the inputs of {wildcards.run}"
    script:
        "../workflow_scripts/scale_inputs.py"


rule pretrain_layer:
    input:
        store=of(Run.training_store),
        scale=of(Run.scale),
        below=of(Run.layers_below),
    output:
        weights="results/{run}/pretrain/{modality}{layer}/{part}.safetensors",
        metrics="results/{run}/pretrain/{modality}{layer}/{part}.csv",
    log:
        "results/{run}/logs/pretrain_layer/{modality}{layer}/{part}.log",
    benchmark:
        "results/{run}/benchmarks/pretrain_layer/{modality}{layer}/{part}.tsv"
    threads: 1
    resources:
        mem_mb=memory(3000, 0.1, of(Run.all_mb)),
        runtime=training_minutes(of(Run.shown_to_layer)),
        gpu=gpu(),
    params:
        rows=of(setting("rows")),
        seed=of(Run.seed),
        split=of(Run.split),
        precision=config["precision"],
        layer=of(Run.layer_settings),
        code=code("pretrain_layer.py", without=MONITORS),
    message:
        "Training layer {wildcards.layer} of the pathway of {wildcards.modality}"
    script:
        "../workflow_scripts/pretrain_layer.py"


rule train_joint:
    input:
        unpack(of(Run.joint_inputs)),
    output:
        weights="results/{run}/joint/{method}/{part}.safetensors",
        metrics="results/{run}/joint/{method}/{part}.csv",
    log:
        "results/{run}/logs/train_joint/{method}/{part}.log",
    benchmark:
        "results/{run}/benchmarks/train_joint/{method}/{part}.tsv"
    threads: 1
    resources:
        mem_mb=memory(3000, 0.1, of(Run.all_mb)),
        runtime=training_minutes(of(Run.shown_to_joint)),
        gpu=gpu(),
    params:
        rows=of(setting("rows")),
        seed=of(Run.seed),
        split=of(Run.split),
        precision=config["precision"],
        minimum_tags=of(setting("joint", "minimum_tags")),
        model=of(Run.joint_model),
        objective=of(Run.objective),
        schedule=of(Run.schedule),
        code=code_of("train_joint.py", method_of, MONITORS),
    message:
        "Training {wildcards.method} of {wildcards.run}, {wildcards.part}"
    script:
        "../workflow_scripts/train_joint.py"


rule finetune:
    input:
        unpack(of(Run.finetune_inputs)),
    output:
        weights="results/{run}/finetune/{stage}/n{iterations}/{part}.safetensors",
        metrics="results/{run}/finetune/{stage}/n{iterations}/{part}.csv",
    log:
        "results/{run}/logs/finetune/{stage}/n{iterations}/{part}.log",
    benchmark:
        "results/{run}/benchmarks/finetune/{stage}/n{iterations}/{part}.tsv"
    threads: 1
    resources:
        mem_mb=memory(3000, 0.1, of(Run.all_mb)),
        runtime=training_minutes(of(Run.shown_to_stage)),
        gpu=gpu(),
    params:
        rows=of(setting("rows")),
        seed=of(Run.seed),
        split=of(Run.split),
        precision=config["precision"],
        stage=of(Run.stage_settings),
        code=code("finetune.py", without=MONITORS),
    message:
        "Finetuning ({wildcards.stage}) with {wildcards.iterations} iterations"
    script:
        "../workflow_scripts/finetune.py"


# The network in one file with the scale of its inputs, the vocabulary, how it is asked, and mean states of queries.
rule export_model:
    input:
        store=of(Run.store),
        scale=of(Run.scale),
        network=of(Run.finished_network),
    output:
        "results/{run}/finetune/{part}.safetensors",
    log:
        "results/{run}/logs/export_model/{part}.log",
    threads: 1
    resources:
        mem_mb=memory(4000, 0.1, of(Run.all_mb)),
        runtime=minutes(60, 0.02, of(Run.all_mb)),
        gpu=gpu(),
    params:
        inference=of(Run.exported_inference),
        split=of(Run.split),
        centring=of(Run.centring),
        code=code("export_model.py"),
    message:
        "Exporting the finetuned network of {wildcards.run}"
    script:
        "../workflow_scripts/export_model.py"


# The same of a joint layer that stands on the inputs themselves.
use rule export_model as export_joint with:
    input:
        store=of(Run.store),
        scale=of(Run.scale),
        network=of(Run.joint),
    output:
        "results/{run}/models/{method}/{part}.safetensors",
    log:
        "results/{run}/logs/export_joint/{method}/{part}.log",
    params:
        inference=of(lambda run, method: run.inference(method)),
        split=of(Run.split),
        centring=of(Run.centring),
        code=code("export_model.py"),
    message:
        "Exporting the joint layer by {wildcards.method} of {wildcards.run}"


# Trainings of the joint layer to choose its settings by, the same for every method.
rule search_joint:
    input:
        unpack(of(Run.search_inputs)),
    output:
        weights=temp("results/{run}/search/{method}/trial{trial}.safetensors"),
        metrics="results/{run}/search/{method}/trial{trial}.csv",
    log:
        "results/{run}/logs/search_joint/{method}/trial{trial}.log",
    benchmark:
        "results/{run}/benchmarks/search_joint/{method}/trial{trial}.tsv"
    threads: 1
    resources:
        mem_mb=memory(3000, 2, of(Run.represented_mb)),
        runtime=training_minutes(of(Run.shown_to_trial)),
        gpu=gpu(),
    params:
        rows=of(setting("rows")),
        seed=of(Run.search_seed),
        split=of(setting("joint", "search", "split")),
        precision=config["precision"],
        minimum_tags=of(setting("joint", "minimum_tags")),
        model=of(Run.trial_model),
        objective=of(Run.objective),
        schedule=of(Run.trial_schedule),
        scored=of(Run.search_scoring),
        code=code_of(
            "search_joint.py",
            lambda wildcards: [
                *method_of(wildcards),
                *PLAN.run(wildcards.run).metric_modules(),
            ],
            MONITORS,
        ),
    message:
        "Trying the joint layer by {wildcards.method}, settings {wildcards.trial}"
    script:
        "../workflow_scripts/search_joint.py"
