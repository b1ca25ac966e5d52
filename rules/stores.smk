# SPDX-License-Identifier: MIT


rule make_store:
    input:
        unpack(raw_files),
    output:
        "results/data/{dataset}/store.h5",
    log:
        "results/data/{dataset}/logs/store.log",
    benchmark:
        "results/data/{dataset}/benchmarks/store.tsv"
    wildcard_constraints:
        dataset=one_of(*READ_AT_ONCE),
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        write=lambda wildcards: DATASETS[wildcards.dataset].write_store,
        settings=lookup(dpath="data/{dataset}", within=config),
        about=about,
        code=data_code("make_store.py", "write_store"),
    message:
        "Reading {wildcards.dataset} into its store"
    script:
        "../workflow_scripts/make_store.py"


rule store_with_copies:
    input:
        f"results/data/{config['dataset']}/store.h5",
    output:
        f"results/data/{config['dataset']}/copies{{copies}}.h5",
    log:
        f"results/data/{config['dataset']}/logs/copies{{copies}}.log",
    wildcard_constraints:
        copies="4|8",
    resources:
        mem_mb=6000,
        runtime=30,
    params:
        code=code("store_with_copies.py"),
    message:
        "Adding {wildcards.copies} copies of the training pictures, moved by a pixel"
    script:
        "../workflow_scripts/store_with_copies.py"


rule picture_store:
    input:
        catalogue="results/data/{dataset}/catalogue.h5",
        blocks=blocks,
    output:
        "results/data/{dataset}/store.h5",
    log:
        "results/data/{dataset}/logs/store.log",
    wildcard_constraints:
        dataset=one_of(*WITH_IMAGES),
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
