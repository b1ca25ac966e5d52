# SPDX-License-Identifier: MIT


rule theory_measure:
    output:
        numbers="results/theory/{experiment}.json",
        curves="results/theory/{experiment}.npz",
    log:
        "results/theory/logs/{experiment}.log",
    benchmark:
        "results/theory/benchmarks/{experiment}.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        module=theory_module,
        settings=lookup(dpath="theory/{experiment}", within=config),
        seed=config["theory"]["seed"],
        code=theory_code,
    message:
        "Measuring {wildcards.experiment} by exact enumeration"
    script:
        "../workflow_scripts/theory_measure.py"


rule theory_figure:
    input:
        numbers="results/theory/{experiment}.json",
        curves="results/theory/{experiment}.npz",
    output:
        png=report(
            "results/theory/figures/{experiment}.png",
            category="Theory",
            caption="../report/theory.rst",
        ),
        svg="results/theory/figures/{experiment}.svg",
    log:
        "results/theory/logs/{experiment}_figure.log",
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        methods=theory_methods(),
        code=code("theory_figure.py"),
    message:
        "Drawing {wildcards.experiment}"
    script:
        "../workflow_scripts/theory_figure.py"


rule theory_table:
    input:
        identity="results/theory/identity.json",
        consistency="results/theory/consistency.json",
        training="results/theory/training.json",
    output:
        report(
            "results/theory/tables/theory.md",
            category="Theory",
            caption="../report/theory_table.rst",
        ),
    log:
        "results/theory/logs/theory_table.log",
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        labels=labels_of(theory_methods()),
        code=code("theory_table.py"),
    message:
        "Writing the table of the theory"
    script:
        "../workflow_scripts/theory_table.py"
