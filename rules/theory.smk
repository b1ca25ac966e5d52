# SPDX-License-Identifier: MIT


rule theory_measure:
    output:
        numbers="results/{run}/{experiment}.json",
        curves="results/{run}/{experiment}.npz",
    log:
        "results/{run}/logs/{experiment}.log",
    benchmark:
        "results/{run}/benchmarks/{experiment}.tsv"
    wildcard_constraints:
        run=one_of(PLAN.theory),
        experiment=one_of(EXPERIMENTS),
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
    params:
        module=lambda wildcards: EXPERIMENTS[wildcards.experiment],
        settings=of(Theory.experiment),
        seed=of(Theory.seed),
        code=of(
            lambda run, experiment: code(
                "theory_measure.py",
                *run.modules(experiment),
                without=FITTING_AND_LOADING,
            )
        ),
    message:
        "Measuring {wildcards.experiment} by exact enumeration"
    script:
        "../workflow_scripts/theory_measure.py"


rule theory_figure:
    input:
        numbers="results/{run}/{experiment}.json",
        curves="results/{run}/{experiment}.npz",
    output:
        png=report(
            "results/{run}/figures/{experiment}.png",
            category="Theory",
            caption="../report/theory.rst",
        ),
        svg="results/{run}/figures/{experiment}.svg",
    log:
        "results/{run}/logs/{experiment}_figure.log",
    wildcard_constraints:
        run=one_of(PLAN.theory),
        experiment=one_of(EXPERIMENTS),
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
    params:
        methods=results.theory_looks(),
        code=code("theory_figure.py"),
    message:
        "Drawing {wildcards.experiment}"
    script:
        "../workflow_scripts/theory_figure.py"


rule theory_table:
    input:
        identity="results/{run}/identity.json",
        consistency="results/{run}/consistency.json",
        training="results/{run}/training.json",
    output:
        "results/{run}/tables/theory.md",
    log:
        "results/{run}/logs/theory_table.log",
    wildcard_constraints:
        run=one_of(PLAN.theory),
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
    params:
        labels={name: one["label"] for name, one in results.theory_looks().items()},
        code=code("theory_table.py"),
    message:
        "Writing the table of the theory"
    script:
        "../workflow_scripts/theory_table.py"
