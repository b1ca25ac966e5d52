# SPDX-License-Identifier: MIT


rule make_store:
    input:
        unpack(of_source(Source.raw_files)),
    output:
        "results/data/{dataset}/store.h5",
    log:
        "results/data/{dataset}/logs/store.log",
    benchmark:
        "results/data/{dataset}/benchmarks/store.tsv"
    wildcard_constraints:
        dataset=one_of(name for name, one in DATASETS.items() if one.write_store),
    resources:
        mem_mb=memory(3000, 0.1, of_source(Source.all_mb)),
        runtime=minutes(60, 0.02, of_source(Source.all_mb)),
    params:
        write=lambda wildcards: DATASETS[wildcards.dataset].write_store,
        settings=of_source(lambda source: source.data),
        about=of_source(Source.about),
        code=code_of("make_store.py", reader("write_store")),
    message:
        "Reading {wildcards.dataset} into its store"
    script:
        "../workflow_scripts/make_store.py"


rule store_with_copies:
    input:
        "results/data/{dataset}/store.h5",
    output:
        "results/data/{dataset}/copies{copies}.h5",
    log:
        "results/data/{dataset}/logs/copies{copies}.log",
    wildcard_constraints:
        dataset=one_of(name for name, one in DATASETS.items() if one.write_store),
        copies="4|8",
    resources:
        mem_mb=memory(1500, 2, of_source(Source.copied_mb)),
        runtime=minutes(30),
    params:
        code=code("store_with_copies.py"),
    message:
        "Adding {wildcards.copies} translated copies of the training images"
    script:
        "../workflow_scripts/store_with_copies.py"
