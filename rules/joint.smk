# SPDX-License-Identifier: MIT


# The checkpoint beside the weights is no output: Snakemake would delete it after a kill.
rule train_joint:
    input:
        store=store_with(config["halves"]["copies"]),
    output:
        weights=of_seeds("results/{run}/joint/{method}/seed{seed}.safetensors"),
        metrics=of_seeds("results/{run}/joint/{method}/seed{seed}.csv"),
    log:
        per_job("results/{run}/logs/train_joint/{method}/seed{seed}.log"),
    benchmark:
        per_job("results/{run}/benchmarks/train_joint/{method}/seed{seed}.tsv")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=720,
        gpu=gpu(),
    params:
        seeds=seeds_of,
        model=config["halves"]["model"],
        objective=lookup(dpath="halves/methods/{method}", within=config),
        schedule=schedule,
        precision=config["precision"],
        code=trainer("train_joint.py", "method"),
    message:
        "Training {wildcards.method} from seed {params.seeds}"
    script:
        "../workflow_scripts/train_joint.py"


rule train_top:
    input:
        **layer_files(),
        store=FLICKR_STORE,
        scale=rules.scale_inputs.output[0],
    output:
        weights=of_flickr(f"joint/{{objective}}/{PART}.safetensors"),
        metrics=of_flickr(f"joint/{{objective}}/{PART}.csv"),
    log:
        of_flickr(f"logs/train_top/{{objective}}/{PART}.log"),
    benchmark:
        of_flickr(f"benchmarks/train_top/{{objective}}/{PART}.tsv")
    wildcard_constraints:
        objective=one_of(*config["flickr"]["joint"]["compare"]),
    threads: 1
    resources:
        mem_mb=6000,
        runtime=1440,
        gpu=gpu(),
    params:
        **ROWS,
        split=any_split,
        model={
            key: config["flickr"]["joint"][key]
            for key in ("hidden", "weight_std", "up", "down")
        },
        minimum_tags=config["flickr"]["joint"]["minimum_tags"],
        objective=lookup(dpath="flickr/joint/methods/{objective}", within=config),
        schedule=top_schedule,
        code=trainer("train_top.py", "objective"),
    message:
        "Training the top layer by {wildcards.objective}"
    script:
        "../workflow_scripts/train_top.py"
