# SPDX-License-Identifier: MIT
# Seconds each, too little for a job of a cluster.
localrules:
    write_table1,
    write_reference_rows,
    join_scores,
    join_flickr_scores,
    draw_figure2,
    draw_iterations,
    draw_training,


rule write_table1:
    input:
        store=f"results/data/{config['dataset']}/store.h5",
        scores=[
            *expand(
                "results/{{run}}/scores/classification/{method}/seed{seed}.csv",
                method=config["halves"]["compare"],
                seed=config["seeds"],
            ),
            "results/{run}/scores/raw/own.csv",
            "results/{run}/scores/raw/filled.csv",
        ],
        published="config/published.csv",
    output:
        csv="results/{run}/tables/table1.csv",
        md=report(
            "results/{run}/tables/table1.md",
            category="Tables",
            caption="../report/table1.rst",
        ),
    log:
        "results/{run}/logs/write_table1.log",
    params:
        table="table1",
        run=config["run"],
        title=title_of(config["dataset"]),
        note="",
        settings={
            "methods": labels_of(HALVES),
            "baselines": {
                "raw_own": "Raw pixels, a classifier per query",
                "raw_filled": "Raw pixels, mean imputation",
            },
            "queries": HALVES_QUERIES,
            "train_on": config["halves"]["classifier"]["train_on"],
        },
        code=code("write_table.py"),
    message:
        "Writing Table 1"
    script:
        "../workflow_scripts/write_table.py"


rule write_reference_rows:
    input:
        store=FLICKR_STORE,
        scores=scores_of("reference", config["flickr"]["reference_rows"]["inputs"]),
        published="config/published.csv",
    output:
        csv=of_flickr("tables/reference.csv"),
        md=report(
            of_flickr("tables/reference.md"),
            category="Tables",
            caption="../report/reference.rst",
        ),
    log:
        of_flickr("logs/write_reference_rows.log"),
    params:
        **table_of_flickr("reference"),
        settings={
            "inputs": config["flickr"]["reference_rows"]["inputs"],
            "top": config["flickr"]["reference_rows"]["top"],
        },
    message:
        "Writing the table of linear baselines"
    script:
        "../workflow_scripts/write_table.py"


# All scores of a run in one table, for people; tables and figures read the files that they need.
rule join_scores:
    input:
        expand(
            "results/{{run}}/scores/{kind}/{method}/seed{seed}.csv",
            kind=["classification", "sweep"],
            method=config["halves"]["compare"],
            seed=config["seeds"],
        ),
        "results/{run}/scores/raw/own.csv",
        "results/{run}/scores/raw/filled.csv",
    output:
        "results/{run}/scores.csv",
    log:
        "results/{run}/logs/join_scores.log",
    params:
        code=code("join_scores.py"),
    message:
        "Joining the scores"
    script:
        "../workflow_scripts/join_scores.py"


rule join_flickr_scores:
    input:
        every_score(),
    output:
        of_flickr("scores.csv"),
    log:
        of_flickr("logs/join_scores.log"),
    params:
        code=code("join_scores.py"),
    message:
        "Joining the scores of images and tags"
    script:
        "../workflow_scripts/join_scores.py"


rule draw_figure2:
    input:
        expand(
            "results/{{run}}/completions/{method}.npz",
            method=config["halves"]["compare"],
        ),
    output:
        png=report(
            "results/{run}/figures/figure2.png",
            category="Figures",
            caption="../report/figure2.rst",
        ),
        svg="results/{run}/figures/figure2.svg",
    log:
        "results/{run}/logs/draw_figure2.log",
    params:
        labels=labels_of(HALVES),
        code=code("draw_figure2.py"),
    message:
        "Drawing Figure 2"
    script:
        "../workflow_scripts/draw_figure2.py"


rule draw_iterations:
    input:
        expand(
            "results/{{run}}/scores/sweep/{method}/seed{seed}.csv",
            method=config["halves"]["compare"],
            seed=config["seeds"],
        ),
    output:
        png=report(
            "results/{run}/figures/iterations.png",
            category="Figures",
            caption="../report/iterations.rst",
        ),
        svg="results/{run}/figures/iterations.svg",
    log:
        "results/{run}/logs/draw_iterations.log",
    params:
        methods=HALVES,
        code=code("draw_iterations.py"),
    message:
        "Drawing cross-entropy against mean-field iterations"
    script:
        "../workflow_scripts/draw_iterations.py"


rule draw_training:
    input:
        expand(
            "results/{{run}}/joint/{method}/seed{seed}.csv",
            method=config["halves"]["compare"],
            seed=config["seeds"],
        ),
    output:
        png=report(
            "results/{run}/figures/training.png",
            category="Training",
            caption="../report/training.rst",
        ),
        svg="results/{run}/figures/training.svg",
    log:
        "results/{run}/logs/draw_training.log",
    params:
        methods=HALVES,
        code=code("draw_training.py"),
    message:
        "Drawing training curves"
    script:
        "../workflow_scripts/draw_training.py"
