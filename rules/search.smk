# SPDX-License-Identifier: MIT
# Seconds, too little for a job of a cluster.
localrules:
    write_search,


# Trainings of the top layer to choose its settings by, the same for every objective.
rule search_top:
    input:
        **{
            name: [searched(path) for path in paths]
            for name, paths in layer_files().items()
        },
        store=judged_store,
        scale=searched(rules.scale_inputs.output[0]),
    output:
        weights=temp(of_flickr("search/{objective}/trial{trial}.safetensors")),
        metrics=of_flickr("search/{objective}/trial{trial}.csv"),
    log:
        of_flickr("logs/search_top/{objective}/trial{trial}.log"),
    benchmark:
        of_flickr("benchmarks/search_top/{objective}/trial{trial}.tsv")
    wildcard_constraints:
        objective=one_of(*config["flickr"]["joint"]["compare"]),
        trial=r"\d+",
    threads: 1
    resources:
        mem_mb=6000,
        runtime=1440,
        gpu=gpu(),
    params:
        **ROWS,
        split=config["flickr"]["joint"]["search"]["split"],
        model=trial_model,
        minimum_tags=config["flickr"]["joint"]["minimum_tags"],
        objective=lookup(dpath="flickr/joint/methods/{objective}", within=config),
        schedule=trial_schedule,
        judged={
            "grid": config["flickr"]["classifier"]["lambda"],
            "tolerance": config["flickr"]["classifier"]["tolerance"],
            "chosen_by": config["flickr"]["classifier"]["chosen_by"],
            "untagged": config["flickr"]["inference"]["untagged"],
            "inference": {
                "iterations": config["flickr"]["inference"]["iterations"],
                "tolerance": config["flickr"]["inference"]["tolerance"],
                "start": config["flickr"]["inference"]["start_state"],
            },
        },
        code=trainer("search_top.py", "objective"),
    message:
        "Trying the top layer by {wildcards.objective}, settings {wildcards.trial}"
    script:
        "../workflow_scripts/search_top.py"


rule write_search:
    input:
        store=FLICKR_STORE,
        trials=trial_files,
    output:
        csv=of_flickr("tables/search.csv"),
        md=of_flickr("tables/search.md"),
    log:
        of_flickr("logs/write_search.log"),
    params:
        trials=trials(),
        objectives=config["flickr"]["joint"]["compare"],
        split=config["flickr"]["joint"]["search"]["split"],
        run=config["flickr"]["run"],
        iterations=config["flickr"]["inference"]["iterations"],
        untagged=config["flickr"]["inference"]["untagged"],
        grid=config["flickr"]["classifier"]["lambda"],
        note=config["flickr"]["note"],
        code=code("write_search.py", FLICKR_RECORD),
    message:
        "Writing what the search found"
    script:
        "../workflow_scripts/write_search.py"
