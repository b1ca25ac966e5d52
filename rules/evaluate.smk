# SPDX-License-Identifier: MIT
# Each job writes a small tidy file of scores; rules/tables.smk joins those of a run.


rule classify:
    input:
        store=of(Run.labelled_store_with_copies),
        representations="results/{run}/representations/{model}/{batch}.h5",
    output:
        "results/{run}/scores/classify/{model}/{batch}.csv",
    log:
        "results/{run}/logs/classify/{model}/{batch}.log",
    benchmark:
        "results/{run}/benchmarks/classify/{model}/{batch}.tsv"
    threads: 1
    resources:
        mem_mb=memory(2000, 1, of(Run.represented_mb)),
        runtime=minutes(60, 0.2, of(Run.represented_mb)),
    params:
        parts=of(Run.evaluated),
        classifier=of(Run.classifier),
        settings=of(Run.classifier_settings),
        train_on=of(setting("classifier", "train_on")),
        missing_tags=of(setting("missing_tags")),
        untagged=of(setting("inference", "untagged")),
        code=of(lambda run: code("classify.py", *run.classifier_modules())),
    message:
        "Classifying with {wildcards.model} of {wildcards.run}"
    script:
        "../workflow_scripts/classify.py"


# Of methods that score labels themselves and have no representation.
rule score_method:
    input:
        unpack(of(Run.score_inputs)),
    output:
        "results/{run}/scores/classify/{scored}/{batch}.csv",
    log:
        "results/{run}/logs/score_method/{scored}/{batch}.log",
    benchmark:
        "results/{run}/benchmarks/score_method/{scored}/{batch}.tsv"
    threads: 1
    resources:
        mem_mb=memory(6000, 12, of(Run.labelled_mb)),
        runtime=minutes(240, 2, of(Run.labelled_mb)),
    params:
        parts=of(Run.evaluated),
        settings=of(lambda run, scored: run.score_settings(scored)),
        code=code_of(
            "score_method.py", lambda wildcards: [f"mvi.methods.{wildcards.scored}"]
        ),
    message:
        "Scoring {wildcards.scored} of {wildcards.run}"
    script:
        "../workflow_scripts/score_method.py"


rule baselines:
    input:
        store=of(Run.labelled_store),
    output:
        "results/{run}/scores/baselines/{input}.csv",
    log:
        "results/{run}/logs/baselines/{input}.log",
    benchmark:
        "results/{run}/benchmarks/baselines/{input}.tsv"
    threads: 1
    resources:
        mem_mb=memory(1500, 4, of(Run.labelled_mb)),
        runtime=minutes(60, 0.3, of(Run.labelled_mb)),
    params:
        splits=of(setting("splits")),
        standard_deviation=of(setting("standard_deviation")),
        text_scale=of(setting("baselines", "text_scale")),
        ridges=of(setting("baselines", "ridges")),
        missing_tags=of(setting("missing_tags")),
        classifier=of(Run.classifier),
        settings=of(Run.baseline_settings),
        code=of(lambda run: code("baselines.py", *run.classifier_modules())),
    message:
        "Classifying input features: {wildcards.input}"
    script:
        "../workflow_scripts/baselines.py"


rule search_database:
    input:
        store=of(Run.labelled_store),
        representations="results/{run}/representations/{model}/{batch}.h5",
    output:
        "results/{run}/scores/retrieval/{model}/{batch}.csv",
    log:
        "results/{run}/logs/search_database/{model}/{batch}.log",
    benchmark:
        "results/{run}/benchmarks/search_database/{model}/{batch}.tsv"
    threads: 1
    resources:
        mem_mb=memory(1500, 2, of(Run.represented_mb)),
        runtime=minutes(30, 0.1, of(Run.represented_mb)),
    params:
        parts=of(Run.evaluated),
        settings=of(setting("retrieval")),
        tag_search=of(setting("tag_search")),
        untagged=of(setting("inference", "untagged")),
        code=code("search_database.py"),
    message:
        "Searching by representations of {wildcards.model}"
    script:
        "../workflow_scripts/search_database.py"


rule search_inputs:
    input:
        store=of(Run.labelled_store),
    output:
        "results/{run}/scores/retrieval_inputs.csv",
    log:
        "results/{run}/logs/search_inputs.log",
    benchmark:
        "results/{run}/benchmarks/search_inputs.tsv"
    threads: 1
    resources:
        mem_mb=memory(1500, 4, of(Run.labelled_mb)),
        runtime=minutes(30, 0.1, of(Run.labelled_mb)),
    params:
        splits=of(setting("splits")),
        inputs=results.LINEAR_INPUTS,
        settings=of(setting("retrieval")),
        block=of(setting("inference", "block")),
        code=code("search_inputs.py"),
    message:
        "Searching by input features of {wildcards.run}"
    script:
        "../workflow_scripts/search_inputs.py"


rule nearest_images:
    input:
        store=of(Run.labelled_store),
        representations=of(Run.shown_representations),
    output:
        "results/{run}/nearest.npz",
    log:
        "results/{run}/logs/nearest_images.log",
    threads: 1
    resources:
        mem_mb=memory(1500, 1, of(Run.represented_mb)),
        runtime=minutes(20),
    params:
        part=of(lambda run: run.parts[0].name),
        split=of(lambda run: run.parts[0].splits[0]),
        settings=of(setting("retrieval")),
        untagged=of(setting("inference", "untagged")),
        shown=of(setting("gallery", "on_page")),
        nearest=of(setting("gallery", "nearest")),
        code=code("nearest_images.py"),
    message:
        "Finding the images nearest to some queries"
    script:
        "../workflow_scripts/nearest_images.py"


rule sweep_iterations:
    input:
        unpack(of(Run.sweep_inputs)),
    output:
        "results/{run}/scores/sweep/n{iterations}/{part}.csv",
    log:
        "results/{run}/logs/sweep_iterations/n{iterations}/{part}.log",
    benchmark:
        "results/{run}/benchmarks/sweep_iterations/n{iterations}/{part}.tsv"
    threads: 1
    resources:
        mem_mb=memory(1500, 8, of(Run.represented_mb)),
        runtime=minutes(60, 0.3, of(Run.represented_mb)),
        gpu=gpu(),
    params:
        model=of(lambda run: run.last_stage),
        splits=of(lambda run, part: run.part(part).splits),
        tested=of(setting("sweep", "iterations")),
        start=of(setting("inference", "start_state")),
        untagged=of(setting("inference", "untagged")),
        block=of(setting("inference", "block")),
        classifier=of(Run.classifier),
        settings=of(Run.classifier_settings),
        code=of(lambda run: code("sweep_iterations.py", *run.classifier_modules())),
    message:
        "Scoring iterations of the network finetuned with {wildcards.iterations}"
    script:
        "../workflow_scripts/sweep_iterations.py"


# The same of a joint layer without iterations, for the ablation.
use rule sweep_iterations as sweep_joint with:
    input:
        unpack(of(Run.joint_sweep_inputs)),
    output:
        "results/{run}/scores/joint_sweep/{method}/n{iterations}/{part}.csv",
    log:
        "results/{run}/logs/sweep_joint/{method}/n{iterations}/{part}.log",
    benchmark:
        "results/{run}/benchmarks/sweep_joint/{method}/n{iterations}/{part}.tsv"
    params:
        model="{method}",
        splits=of(lambda run, part: run.part(part).splits),
        tested=[0],
        start=of(setting("inference", "start_state")),
        untagged=of(setting("inference", "untagged")),
        block=of(setting("inference", "block")),
        classifier=of(Run.classifier),
        settings=of(Run.classifier_settings),
        code=of(lambda run: code("sweep_iterations.py", *run.classifier_modules())),
    message:
        "Scoring the joint layer by {wildcards.method} without iterations"


rule cross_entropy:
    input:
        unpack(of(Run.curve_inputs)),
    output:
        "results/{run}/scores/cross_entropy/{method}.csv",
    log:
        "results/{run}/logs/cross_entropy/{method}.log",
    benchmark:
        "results/{run}/benchmarks/cross_entropy/{method}.tsv"
    threads: 1
    resources:
        mem_mb=memory(1500, 2, of(Run.labelled_mb)),
        runtime=minutes(60, 0.1, of(Run.labelled_mb)),
        gpu=gpu(),
    params:
        parts=of(lambda run: run.evaluated_parts(run.parts)),
        iterations=of(lambda run: max(run.settings["sweep"]["iterations"])),
        start=of(setting("inference", "start_state")),
        code=code("cross_entropy.py"),
    message:
        "Measuring mean-field iterations of {wildcards.method}"
    script:
        "../workflow_scripts/cross_entropy.py"


rule complete:
    input:
        unpack(of(Run.completion_inputs)),
    output:
        "results/{run}/completions/{method}.npz",
    log:
        "results/{run}/logs/complete/{method}.log",
    threads: 1
    resources:
        mem_mb=memory(1500, 1, of(Run.labelled_mb)),
        runtime=minutes(20),
        gpu=gpu(),
    params:
        split=of(lambda run: run.parts[0].splits[0]),
        inference=of(lambda run, method: run.inference(method)),
        settings=of(setting("completion")),
        code=code("complete.py"),
    message:
        "Completing images with {wildcards.method}"
    script:
        "../workflow_scripts/complete.py"


rule predict_tags:
    input:
        unpack(of(Run.tag_inputs)),
    output:
        scores="results/{run}/scores/tags/{part}.csv",
        shown="results/{run}/predicted_tags/{part}.npz",
    log:
        "results/{run}/logs/predict_tags/{part}.log",
    benchmark:
        "results/{run}/benchmarks/predict_tags/{part}.tsv"
    threads: 1
    resources:
        mem_mb=memory(1500, 2, of(Run.labelled_mb)),
        runtime=minutes(60, 0.1, of(Run.labelled_mb)),
        gpu=gpu(),
    params:
        model=of(lambda run: run.last_stage),
        splits=of(lambda run, part: run.part(part).splits),
        settings=of(setting("predicted_tags")),
        tag_search=of(setting("tag_search")),
        parts=of(setting("rows", "parts")),
        block=of(setting("inference", "block")),
        inference=of(Run.exported_inference),
        tag_probabilities=of(Run.truth_reader),
        code=of(lambda run: code("predict_tags.py", module_of(run.truth_reader()))),
    message:
        "Predicting tags of images by image-only queries"
    script:
        "../workflow_scripts/predict_tags.py"


rule predict_tags_linearly:
    input:
        store=of(Run.labelled_store),
    output:
        "results/{run}/scores/linear_tags/{input}.csv",
    log:
        "results/{run}/logs/predict_tags_linearly/{input}.log",
    benchmark:
        "results/{run}/benchmarks/predict_tags_linearly/{input}.tsv"
    threads: 1
    resources:
        mem_mb=memory(4000, 4, of(Run.labelled_mb)),
        runtime=minutes(60, 0.3, of(Run.labelled_mb)),
    params:
        splits=of(setting("splits")),
        settings=of(setting("predicted_tags")),
        linear=of(setting("linear_tags")),
        parts=of(setting("rows", "parts")),
        standard_deviation=of(setting("standard_deviation")),
        code=code("predict_tags_linearly.py"),
    message:
        "Predicting tags by logistic regressions on {wildcards.input}"
    script:
        "../workflow_scripts/predict_tags_linearly.py"
