# SPDX-License-Identifier: MIT
# Seconds each, too little for a job of a cluster.
localrules:
    write_table2,
    write_table3,
    write_retrieval,
    write_tags,


rule write_table2:
    input:
        store=FLICKR_STORE,
        scores=[
            *classified("multimodal"),
            *classified("mixed"),
            *scores_of("reference", RAW_INPUTS),
        ],
        published="config/published.csv",
    output:
        csv=of_flickr("tables/table2.csv"),
        classes=of_flickr("tables/table2_classes.csv"),
        md=report(
            of_flickr("tables/table2.md"),
            category="Tables",
            caption="../report/table2.rst",
        ),
    log:
        of_flickr("logs/write_table2.log"),
    params:
        **table_of_flickr("table2"),
        settings={
            "models": LABELS,
            "variants": config["flickr"]["classifier"]["train_on"],
            "queries": QUERIES,
            "main": LAST,
            "compared": COMPARED,
            "top": config["flickr"]["classifier"]["top"],
            "training": TRAINING,
        },
    message:
        "Writing Table 2"
    script:
        "../workflow_scripts/write_table.py"


rule write_table3:
    input:
        store=FLICKR_STORE,
        scores=scores_of("sweep", [f"n{count}" for count in SWEPT]),
        published="config/published.csv",
    output:
        csv=of_flickr("tables/table3.csv"),
        md=report(
            of_flickr("tables/table3.md"),
            category="Tables",
            caption="../report/table3.rst",
        ),
    log:
        of_flickr("logs/write_table3.log"),
    params:
        **table_of_flickr("table3"),
        settings={"sweep": SWEEP, "training": TRAINING},
    message:
        "Writing Table 3"
    script:
        "../workflow_scripts/write_table.py"


rule write_retrieval:
    input:
        store=FLICKR_STORE,
        scores=scores_of("retrieval", DEEP_MODELS),
        published="config/published.csv",
    output:
        csv=of_flickr("tables/retrieval.csv"),
        md=report(
            of_flickr("tables/retrieval.md"),
            category="Tables",
            caption="../report/retrieval.rst",
        ),
    log:
        of_flickr("logs/write_retrieval.log"),
    params:
        **table_of_flickr("retrieval"),
        settings={"models": LABELS, "queries": QUERIES, "training": TRAINING},
    message:
        "Writing the table of retrieval"
    script:
        "../workflow_scripts/write_table.py"


rule write_tags:
    input:
        store=FLICKR_STORE,
        scores=scores_of("tags", [LAST]),
        published="config/published.csv",
    output:
        csv=of_flickr("tables/tags.csv"),
        md=report(
            of_flickr("tables/tags.md"),
            category="Tables",
            caption="../report/tags.rst",
        ),
    log:
        of_flickr("logs/write_tags.log"),
    params:
        **table_of_flickr("tags"),
        settings={
            "models": {LAST: LABELS[LAST]},
            "query": "image",
            "tops": config["flickr"]["predicted_tags"]["tops"],
            "training": TRAINING,
        },
    message:
        "Writing the table of predicted tags"
    script:
        "../workflow_scripts/write_table.py"
