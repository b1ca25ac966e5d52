# SPDX-License-Identifier: MIT


# On a cluster it is the login node that reaches the network.
localrules:
    retrieve,


rule retrieve:
    output:
        "results/data/{dataset}/raw/{file}",
    log:
        "results/data/{dataset}/logs/retrieve/{file}.log",
    wildcard_constraints:
        dataset="mnist|mirflickr25k|toronto|alexnet",
        file=r"[^/]+",
    params:
        sha256=accepted_hashes,
        code=code("retrieve.py"),
    message:
        "Retrieving {wildcards.file} from the mirror or the network"
    script:
        "../workflow_scripts/retrieve.py"


rule generate_mini:
    output:
        pictures=f"results/data/mini/raw/{RAW_FILES[0]}",
        annotations=f"results/data/mini/raw/{RAW_FILES[1]}",
        truth="results/data/mini/raw/truth.npz",
    log:
        "results/data/mini/logs/generate.log",
    benchmark:
        "results/data/mini/benchmarks/generate.tsv"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        world={
            key: config["data"]["mini"][key]
            for key in ("labelled", "unlabelled", "size", "seed")
        },
        code=code("generate_mini.py"),
    message:
        "Drawing the scenes of mini"
    script:
        "../workflow_scripts/generate_mini.py"
