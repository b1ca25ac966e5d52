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


rule shifted_store:
    input:
        f"results/data/{config['dataset']}/store.h5",
    output:
        f"results/data/{config['dataset']}/shifted{{pixels}}.h5",
    log:
        f"results/data/{config['dataset']}/logs/shifted{{pixels}}.log",
    wildcard_constraints:
        pixels=r"[1-9]\d*",
    resources:
        mem_mb=6000,
        runtime=30,
    params:
        code=code("shifted_store.py"),
    message:
        "Adding copies of the training pictures, moved by {wildcards.pixels} pixels"
    script:
        "../workflow_scripts/shifted_store.py"
