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
