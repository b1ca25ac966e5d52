# SPDX-License-Identifier: MIT


localrules:
    write_reference_rows,
    write_flickr_report,


rule data_card:
    input:
        unpack(raw_files),
        catalogue="results/data/{dataset}/catalogue.h5",
    output:
        **{
            f"{name}{ending}": f"results/data/{{dataset}}/card/{name}.{kind}"
            for name in ["tags", *LABEL_FIGURES]
            for ending, kind in (("", "png"), ("_svg", "svg"))
        },
        json="results/data/{dataset}/card/card.json",
        md="results/data/{dataset}/card/card.md",
        sheet=report(
            "results/data/{dataset}/card/sheet.png",
            category="Data",
            caption="../report/sheet.rst",
        ),
    log:
        "results/data/{dataset}/logs/card.log",
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings={
            **config["flickr"]["card"],
            "picture_size": config["features"]["picture_size"],
        },
        label_figures=LABEL_FIGURES,
        code=code("data_card.py"),
    message:
        "Counting and drawing what {wildcards.dataset} holds"
    script:
        "../workflow_scripts/data_card.py"


rule reference_rows:
    input:
        store=FLICKR_STORE,
    output:
        expand(
            of_flickr("scores/reference/{{input}}/split{number}.json"),
            number=config["flickr"]["splits"],
        ),
    log:
        of_flickr("logs/reference_rows/{input}.log"),
    benchmark:
        of_flickr("benchmarks/reference_rows/{input}.tsv")
    threads: 1
    resources:
        mem_mb=6000,
        runtime=240,
    params:
        splits=config["flickr"]["splits"],
        standard_deviation=config["flickr"]["standard_deviation"],
        settings={
            key: value
            for key, value in config["flickr"]["reference_rows"].items()
            if key != "inputs"
        },
        code=code("reference_rows.py"),
    message:
        "Classifying raw inputs: {wildcards.input}"
    script:
        "../workflow_scripts/reference_rows.py"


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
        code=code("write_reference_rows.py"),
    message:
        "Writing the table of raw inputs"
    script:
        "../workflow_scripts/write_reference_rows.py"
