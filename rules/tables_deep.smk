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
        multimodal=classified("multimodal"),
        mixed=classified("mixed"),
        raw=scores_of("reference", RAW_INPUTS),
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
        stages=ABOUT_DEEP["stages"],
        run=ABOUT_DEEP["run"],
        iterations=ABOUT_DEEP["iterations"],
        untagged=ABOUT_DEEP["untagged"],
        learned_from=ABOUT_DEEP["learned_from"],
        finetuned=ABOUT_DEEP["finetuned"],
        note=table_note("In the raw inputs descriptors"),
        code=code("write_table2.py", FLICKR_RECORD),
    message:
        "Writing Table 2"
    script:
        "../workflow_scripts/write_table2.py"


rule write_table3:
    input:
        store=FLICKR_STORE,
        scores=expand(
            of_flickr("scores/sweep/n{iterations}/split{split}.json"),
            iterations=SWEPT,
            split=config["flickr"]["splits"],
        ),
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
        main=ABOUT_DEEP["main"],
        run=ABOUT_DEEP["run"],
        untagged=ABOUT_DEEP["untagged"],
        learned_from=ABOUT_DEEP["learned_from"],
        finetuned=ABOUT_DEEP["finetuned"],
        note=ABOUT_DEEP["note"],
        code=code("write_table3.py", FLICKR_RECORD),
    message:
        "Writing Table 3"
    script:
        "../workflow_scripts/write_table3.py"


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
        stages=ABOUT_DEEP["stages"],
        run=ABOUT_DEEP["run"],
        iterations=ABOUT_DEEP["iterations"],
        untagged=ABOUT_DEEP["untagged"],
        learned_from=ABOUT_DEEP["learned_from"],
        note=ABOUT_DEEP["note"],
        code=code("write_retrieval.py", FLICKR_RECORD),
    message:
        "Writing the table of retrieval"
    script:
        "../workflow_scripts/write_retrieval.py"


rule write_tags:
    input:
        store=FLICKR_STORE,
        scores=scores_of("tags", [LAST]),
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
        stages=ABOUT_DEEP["stages"],
        run=ABOUT_DEEP["run"],
        iterations=ABOUT_DEEP["iterations"],
        learned_from=ABOUT_DEEP["learned_from"],
        note=ABOUT_DEEP["note"],
        code=code("write_tags.py"),
    message:
        "Writing the table of predicted tags"
    script:
        "../workflow_scripts/write_tags.py"
