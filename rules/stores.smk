# SPDX-License-Identifier: MIT


rule digits_store:
    output:
        "results/data/digits/store.h5",
    log:
        "results/data/digits/logs/store.log",
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        split=config["data"]["digits"],
        code=code("digits_store.py"),
    message:
        "Cutting scikit-learn's digits in halves"
    script:
        "../workflow_scripts/digits_store.py"


rule mnist_store:
    input:
        expand("results/data/mnist/raw/{file}", file=registry("mnist")),
    output:
        "results/data/mnist/store.h5",
    log:
        "results/data/mnist/logs/store.log",
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        split=config["data"]["mnist"],
        citation=next(iter(registry("mnist").values())).citation,
        code=code("mnist_store.py"),
    message:
        "Cutting MNIST in halves"
    script:
        "../workflow_scripts/mnist_store.py"


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
