# SPDX-License-Identifier: MIT


rule classify_raw:
    input:
        store=f"results/data/{config['dataset']}/store.h5",
    output:
        own="results/{run}/scores/raw/own.json",
        filled="results/{run}/scores/raw/filled.json",
    log:
        "results/{run}/logs/classify_raw.log",
    benchmark:
        "results/{run}/benchmarks/classify_raw.tsv"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=240,
    params:
        C=config["halves"]["classifier"]["C"],
        tolerance=config["halves"]["classifier"]["tolerance"],
        code=code("classify_raw.py"),
    message:
        "Classifying raw pixels"
    script:
        "../workflow_scripts/classify_raw.py"
