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
        monitor=config["halves"]["monitor"],
        code=code("train_joint.py"),
    message:
        "Training {wildcards.method} from seed {params.seeds}"
    script:
        "../workflow_scripts/train_joint.py"
