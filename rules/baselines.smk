# SPDX-License-Identifier: MIT


rule classify_raw:
    input:
        store=f"results/data/{config['dataset']}/store.h5",
    output:
        own="results/{run}/scores/raw/own.csv",
        filled="results/{run}/scores/raw/filled.csv",
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


rule reference_rows:
    input:
        store=judged_store,
    output:
        expand(
            of_flickr("scores/reference/{{input}}/split{split}.csv"),
            split=config["flickr"]["splits"],
        ),
    log:
        of_flickr("logs/reference_rows/{input}.log"),
    benchmark:
        of_flickr("benchmarks/reference_rows/{input}.tsv")
    threads: 1
    resources:
        mem_mb=6000,
        runtime=240,
    params:
        run=config["flickr"]["run"],
        splits=config["flickr"]["splits"],
        standard_deviation=config["flickr"]["standard_deviation"],
        settings={
            key: value
            for key, value in config["flickr"]["reference_rows"].items()
            if key != "inputs"
        },
        code=code("reference_rows.py"),
    message:
        "Classifying raw inputs: {wildcards.input}"
    script:
        "../workflow_scripts/reference_rows.py"
