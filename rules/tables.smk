# SPDX-License-Identifier: MIT
# Seconds each, too little for a job of a cluster.
localrules:
    write_table1,
    write_reference_rows,
    draw_figure2,
    draw_iterations,
    draw_training,


rule write_table1:
    input:
        scores=expand(
            "results/{{run}}/scores/{method}/seed{seed}.json",
            method=config["halves"]["compare"],
            seed=config["seeds"],
        ),
        own="results/{run}/scores/raw/own.json",
        filled="results/{run}/scores/raw/filled.json",
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
        dataset=config["dataset"],
        code=code("write_table1.py", f"mvi.data.sets.{config['dataset']}"),
    message:
        "Writing Table 1"
    script:
        "../workflow_scripts/write_table1.py"


rule write_reference_rows:
    input:
        store=FLICKR_STORE,
        scores=expand(
            of_flickr("scores/reference/{input}/split{number}.json"),
            input=config["flickr"]["reference_rows"]["inputs"],
            number=config["flickr"]["splits"],
        ),
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
        note=table_note(),
        code=code("write_reference_rows.py", FLICKR_RECORD),
    message:
        "Writing the table of raw inputs"
    script:
        "../workflow_scripts/write_reference_rows.py"


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
        code=code("draw_figure2.py"),
    message:
        "Drawing Figure 2"
    script:
        "../workflow_scripts/draw_figure2.py"


rule draw_iterations:
    input:
        expand(
            "results/{{run}}/scores/sweep/{method}/seed{seed}.json",
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
        code=code("draw_training.py"),
    message:
        "Drawing training curves"
    script:
        "../workflow_scripts/draw_training.py"
