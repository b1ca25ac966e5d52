# SPDX-License-Identifier: MIT


rule retrieve_pictures:
    input:
        store=judged_store,
        representations=of_flickr(f"representations/{{model}}/{PART}.h5"),
    output:
        of_splits(of_flickr("scores/retrieval/{model}/split{split}.csv")),
    log:
        of_flickr(f"logs/retrieve_pictures/{{model}}/{PART}.log"),
    benchmark:
        of_flickr(f"benchmarks/retrieve_pictures/{{model}}/{PART}.tsv")
    wildcard_constraints:
        model=one_of(*DEEP_MODELS),
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        run=config["flickr"]["run"],
        splits=splits_of,
        settings=config["flickr"]["retrieval"],
        code=code("retrieve_pictures.py"),
    message:
        "Searching by representations of {wildcards.model}"
    script:
        "../workflow_scripts/retrieve_pictures.py"


rule nearest_pictures:
    input:
        store=judged_store,
        representations=first_split(of_flickr(f"representations/{LAST}/{PART}.h5")),
    output:
        of_flickr("nearest.npz"),
    log:
        of_flickr("logs/nearest_pictures.log"),
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        split=config["flickr"]["splits"][0],
        settings=config["flickr"]["retrieval"],
        shown=config["flickr"]["gallery"]["on_page"],
        nearest=config["flickr"]["gallery"]["nearest"],
        code=code("nearest_pictures.py"),
    message:
        "Finding the pictures nearest to some queries"
    script:
        "../workflow_scripts/nearest_pictures.py"
