# SPDX-License-Identifier: MIT
# Seconds each, too little for a job of a cluster.
localrules:
    write_table,
    write_class_table,
    write_search,
    write_chosen,
    join_scores,


rule write_table:
    input:
        store=of(Run.store),
        scores=of(results.table_inputs),
        published=local("config/published.csv"),
    output:
        csv="results/{run}/tables/{table}.csv",
        md="results/{run}/tables/{table}.md",
    log:
        "results/{run}/logs/write_table/{table}.log",
    wildcard_constraints:
        table=one_of(results.TABLES),
    params:
        table="{table}",
        run="{run}",
        title=of(lambda run: run.dataset.title),
        note=of(setting("note")),
        settings=of(results.table_settings),
        # Read if they are there: as inputs, a lost one would mean to train again.
        costs=of(results.costs),
        code=code("write_table.py"),
    message:
        "Writing {wildcards.table} of {wildcards.run}"
    script:
        "../workflow_scripts/write_table.py"


rule write_class_table:
    input:
        of(results.label_scores),
    output:
        "results/{run}/tables/table2_classes.csv",
    log:
        "results/{run}/logs/write_class_table.log",
    params:
        code=code("write_class_table.py"),
    message:
        "Writing the average precision of every class"
    script:
        "../workflow_scripts/write_class_table.py"


rule write_search:
    input:
        store=of(Run.store),
        trials=of(Run.trial_files),
    output:
        csv="results/{run}/tables/search.csv",
        md="results/{run}/tables/search.md",
    log:
        "results/{run}/logs/write_search.log",
    params:
        trials=of(Run.trials),
        methods=of(lambda run: results.labels(run.layered, on_pathways=True)),
        split=of(setting("joint", "search", "split")),
        metric=of(lambda run: run.headline),
        run="{run}",
        title=of(lambda run: run.dataset.title),
        iterations=of(setting("inference", "iterations")),
        untagged=of(setting("inference", "untagged")),
        grid=of(setting("classifier", "lambda")),
        note=of(setting("note")),
        code=code("write_search.py"),
    message:
        "Writing what the search found"
    script:
        "../workflow_scripts/write_search.py"


rule write_chosen:
    input:
        store=of(Run.store),
        scores=of(Run.every_candidate),
        chosen=of(Run.every_chosen),
    output:
        csv="results/{run}/tables/chosen.csv",
        md="results/{run}/tables/chosen.md",
    log:
        "results/{run}/logs/write_chosen.log",
    params:
        candidates=of(results.tried),
        methods=of(lambda run: results.labels(run.searched, on_pathways=True)),
        metric=of(lambda run: run.headline),
        run="{run}",
        title=of(lambda run: run.dataset.title),
        note=of(setting("note")),
        code=code("write_chosen.py"),
    message:
        "Writing what was tried with each method, and chosen"
    script:
        "../workflow_scripts/write_chosen.py"


# All scores of a run in one table, for people; tables and figures read the files that they need.
rule join_scores:
    input:
        of(results.every_score),
    output:
        "results/{run}/scores.csv",
    log:
        "results/{run}/logs/join_scores.log",
    params:
        code=code("join_scores.py"),
    message:
        "Joining the scores of {wildcards.run}"
    script:
        "../workflow_scripts/join_scores.py"
