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
