# SPDX-License-Identifier: MIT


rule encode:
    input:
        store=store_with(config["halves"]["classifier"]["copies"]),
        weights=of_seeds("results/{run}/joint/{method}/seed{seed}.safetensors"),
    output:
        temp(of_seeds("results/{run}/representations/{method}/seed{seed}.h5")),
    log:
        per_job("results/{run}/logs/encode/{method}/seed{seed}.log"),
    benchmark:
        per_job("results/{run}/benchmarks/encode/{method}/seed{seed}.tsv")
    threads: 1
    resources:
        mem_mb=6000,
        runtime=60,
        gpu=gpu(),
    params:
        mean_field=mean_field,
        code=code("encode.py"),
    message:
        "Encoding with {wildcards.method}"
    script:
        "../workflow_scripts/encode.py"


rule classify:
    input:
        store=store_with(config["halves"]["classifier"]["copies"]),
        representations=of_seeds("results/{run}/representations/{method}/seed{seed}.h5"),
    output:
        of_seeds("results/{run}/scores/classification/{method}/seed{seed}.csv"),
    log:
        per_job("results/{run}/logs/classify/{method}/seed{seed}.log"),
    benchmark:
        per_job("results/{run}/benchmarks/classify/{method}/seed{seed}.tsv")
    threads: 1
    resources:
        mem_mb=6000,
        runtime=240,
    params:
        seeds=seeds_of,
        classifier=config["halves"]["classifier"],
        code=code("classify.py"),
    message:
        "Classifying with {wildcards.method}"
    script:
        "../workflow_scripts/classify.py"


rule sweep_iterations:
    input:
        store=f"results/data/{config['dataset']}/store.h5",
        weights=expand(
            "results/{{run}}/joint/{{method}}/seed{seed}.safetensors",
            seed=config["seeds"],
        ),
    output:
        expand(
            "results/{{run}}/scores/sweep/{{method}}/seed{seed}.csv",
            seed=config["seeds"],
        ),
    log:
        "results/{run}/logs/sweep_iterations/{method}.log",
    benchmark:
        "results/{run}/benchmarks/sweep_iterations/{method}.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
        gpu=gpu(),
    params:
        seeds=config["seeds"],
        iterations=config["halves"]["sweep"]["iterations"],
        start=config["halves"]["inference"]["start_state"],
        code=code("sweep_iterations.py"),
    message:
        "Measuring mean-field iterations of {wildcards.method}"
    script:
        "../workflow_scripts/sweep_iterations.py"


rule complete_digits:
    input:
        store=f"results/data/{config['dataset']}/store.h5",
        weights=f"results/{{run}}/joint/{{method}}/seed{config['seeds'][0]}.safetensors",
    output:
        "results/{run}/completions/{method}.npz",
    log:
        "results/{run}/logs/complete_digits/{method}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
        gpu=gpu(),
    params:
        mean_field=mean_field,
        figure2=config["halves"]["figure2"],
        code=code("complete_digits.py"),
    message:
        "Completing digits with {wildcards.method}"
    script:
        "../workflow_scripts/complete_digits.py"
