# SPDX-License-Identifier: MIT


rule catalogue:
    input:
        unpack(raw_files),
    output:
        "results/data/{dataset}/catalogue.h5",
    log:
        "results/data/{dataset}/logs/catalogue.log",
    wildcard_constraints:
        dataset=one_of(*WITH_IMAGES),
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        rows=planned_rows,
        read=lambda wildcards: DATASETS[wildcards.dataset].read,
        settings=lookup(dpath="data/{dataset}", within=config),
        about=about,
        code=data_code("catalogue.py", "read"),
    message:
        "Reading tags and labels of {wildcards.dataset}"
    script:
        "../workflow_scripts/catalogue.py"


rule learn_words:
    input:
        unpack(raw_files),
        catalogue="results/data/{dataset}/catalogue.h5",
    output:
        "results/data/{dataset}/words.npy",
    log:
        "results/data/{dataset}/logs/learn_words.log",
    benchmark:
        "results/data/{dataset}/benchmarks/learn_words.tsv"
    resources:
        mem_mb=3000,
        runtime=60,
        gpu=gpu(),
    params:
        pictures=fingerprint,
        settings=config["features"]["phow"],
        size=config["features"]["picture_size"],
        batch=config["features"]["batch"],
        code=code("learn_words.py"),
    message:
        "Learning visual words from pictures of {wildcards.dataset}"
    script:
        "../workflow_scripts/learn_words.py"


# Kept, since they cost the most; who needs the room may delete them once the store is made.
rule describe_block:
    input:
        unpack(raw_files),
        unpack(learned_before),
        catalogue="results/data/{dataset}/catalogue.h5",
    output:
        "results/data/{dataset}/blocks/{start}-{stop}.npz",
    log:
        "results/data/{dataset}/logs/describe_block/{start}-{stop}.log",
    benchmark:
        "results/data/{dataset}/benchmarks/describe_block/{start}-{stop}.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
        gpu=gpu(),
    params:
        pictures=fingerprint,
        settings=descriptor_settings(),
        code=code("describe_block.py"),
    message:
        "Describing pictures {wildcards.start} to {wildcards.stop} of {wildcards.dataset}"
    script:
        "../workflow_scripts/describe_block.py"


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
        coarse="results/data/{dataset}/card/coarse.png",
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
        pictures=fingerprint,
        label_figures=LABEL_FIGURES,
        code=code("data_card.py"),
    message:
        "Counting and drawing what {wildcards.dataset} holds"
    script:
        "../workflow_scripts/data_card.py"
