# SPDX-License-Identifier: MIT


rule catalogue:
    input:
        unpack(raw_files),
    output:
        "results/data/{dataset}/catalogue.h5",
    log:
        "results/data/{dataset}/logs/catalogue.log",
    wildcard_constraints:
        dataset="mini|mirflickr25k|folder",
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        pictures=planned_pictures,
        rows=rows_of,
        vocabulary=lookup(dpath="data/{dataset}/vocabulary", within=config),
        citation=citation_of,
        code=code("catalogue.py"),
    message:
        "Reading tags and labels of {wildcards.dataset}"
    script:
        "../workflow_scripts/catalogue.py"


# Words and descriptors take names and splits from the catalogue: other tags are no reason to make them again.
rule learn_words:
    input:
        unpack(raw_files),
        catalogue=ancient("results/data/{dataset}/catalogue.h5"),
    output:
        "results/data/{dataset}/words.npy",
    log:
        "results/data/{dataset}/logs/learn_words.log",
    benchmark:
        "results/data/{dataset}/benchmarks/learn_words.tsv"
    resources:
        mem_mb=3000,
        runtime=60,
        gpu=gpu(),
    params:
        rows=rows_of,
        settings=config["features"]["phow"],
        size=config["features"]["picture_size"],
        batch=config["features"]["batch"],
        code=code("catalogue.py") + code("learn_words.py"),
    message:
        "Learning visual words from pictures of {wildcards.dataset}"
    script:
        "../workflow_scripts/learn_words.py"


# Kept, since they cost the most; who needs the room may delete them once the store is made.
rule describe_block:
    input:
        unpack(raw_files),
        unpack(learned_before),
        catalogue=ancient("results/data/{dataset}/catalogue.h5"),
    output:
        "results/data/{dataset}/blocks/{start}-{stop}.npz",
    log:
        "results/data/{dataset}/logs/describe_block/{start}-{stop}.log",
    benchmark:
        "results/data/{dataset}/benchmarks/describe_block/{start}-{stop}.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
        gpu=gpu(),
    params:
        rows=rows_of,
        settings=descriptor_settings(),
        code=code("catalogue.py") + code("describe_block.py"),
    message:
        "Describing pictures {wildcards.start} to {wildcards.stop} of {wildcards.dataset}"
    script:
        "../workflow_scripts/describe_block.py"


rule picture_store:
    input:
        catalogue="results/data/{dataset}/catalogue.h5",
        blocks=blocks,
    output:
        "results/data/{dataset}/store.h5",
    log:
        "results/data/{dataset}/logs/store.log",
    wildcard_constraints:
        dataset="mini|mirflickr25k|folder",
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        precision=config["features"]["precision"],
        unreadable=config["features"]["unreadable"],
        code=code("picture_store.py"),
    message:
        "Putting descriptors, tags and labels of {wildcards.dataset} into one store"
    script:
        "../workflow_scripts/picture_store.py"


rule toronto_store:
    input:
        f"results/data/toronto/raw/{next(iter(registry('toronto')))}",
    output:
        "results/data/toronto/store.h5",
    log:
        "results/data/toronto/logs/store.log",
    benchmark:
        "results/data/toronto/benchmarks/store.tsv"
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        precision=config["features"]["precision"],
        unchecked=config["data"]["toronto"]["unchecked"],
        citation=next(iter(registry("toronto").values())).citation,
        code=code("toronto_store.py"),
    message:
        "Reading the Toronto archive block by block"
    script:
        "../workflow_scripts/toronto_store.py"
