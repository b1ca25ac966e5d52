# SPDX-License-Identifier: MIT


rule encode_pictures:
    input:
        **layer_files(),
        store=FLICKR_STORE,
        scale=rules.scale_inputs.output[0],
        weights=model_file,
    output:
        temp(of_flickr(f"representations/{{model}}/{PART}.h5")),
    log:
        of_flickr(f"logs/encode_pictures/{{model}}/{PART}.log"),
    benchmark:
        of_flickr(f"benchmarks/encode_pictures/{{model}}/{PART}.tsv")
    wildcard_constraints:
        model=one_of(*DEEP_MODELS),
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
        gpu=gpu(),
    params:
        inference={
            {"start_state": "start"}.get(key, key): value
            for key, value in config["flickr"]["inference"].items()
        },
        code=code("encode_pictures.py"),
    message:
        "Encoding with {wildcards.model}"
    script:
        "../workflow_scripts/encode_pictures.py"


rule classify_pictures:
    input:
        store=judged_store,
        representations=of_flickr(f"representations/{{model}}/{PART}.h5"),
    output:
        of_splits(of_flickr("scores/{train_on}/{model}/split{split}.json")),
    log:
        of_flickr(f"logs/classify_pictures/{{train_on}}/{{model}}/{PART}.log"),
    benchmark:
        of_flickr(f"benchmarks/classify_pictures/{{train_on}}/{{model}}/{PART}.tsv")
    wildcard_constraints:
        model=one_of(*DEEP_MODELS),
        train_on="multimodal|mixed",
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        splits=splits_of,
        settings={
            key: value
            for key, value in config["flickr"]["classifier"].items()
            if key != "train_on"
        },
        code=code("classify_pictures.py"),
    message:
        "Classifying with {wildcards.model}"
    script:
        "../workflow_scripts/classify_pictures.py"


rule sweep_pictures:
    input:
        **layer_files(),
        store=judged_store,
        scale=rules.scale_inputs.output[0],
        weights=of_flickr(f"finetune/{LAST}/n{{iterations}}/{PART}.safetensors"),
    output:
        of_splits(of_flickr("scores/sweep/n{iterations}/split{split}.json")),
    log:
        of_flickr(f"logs/sweep_pictures/n{{iterations}}/{PART}.log"),
    benchmark:
        of_flickr(f"benchmarks/sweep_pictures/n{{iterations}}/{PART}.tsv")
    wildcard_constraints:
        iterations=r"\d+",
    threads: 1
    resources:
        mem_mb=6000,
        runtime=240,
        gpu=gpu(),
    params:
        splits=splits_of,
        iterations=config["flickr"]["sweep"]["iterations"],
        start=config["flickr"]["inference"]["start_state"],
        untagged=config["flickr"]["inference"]["untagged"],
        block=config["flickr"]["inference"]["block"],
        settings={
            key: config["flickr"]["classifier"][key]
            for key in ("lambda", "chosen_by", "top", "tolerance")
        },
        code=code("sweep_pictures.py"),
    message:
        "Scoring iterations of the network finetuned with {wildcards.iterations}"
    script:
        "../workflow_scripts/sweep_pictures.py"


rule predict_tags:
    input:
        **layer_files(),
        store=judged_store,
        scale=rules.scale_inputs.output[0],
        weights=stage_file(LAST),
        truth=truth_of_tags(),
    output:
        scores=of_splits(of_flickr(f"scores/tags/{LAST}/split{{split}}.json")),
        shown=of_splits(of_flickr("predicted_tags/split{split}.npz")),
    log:
        of_flickr(f"logs/predict_tags/{PART}.log"),
    benchmark:
        of_flickr(f"benchmarks/predict_tags/{PART}.tsv")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
        gpu=gpu(),
    params:
        splits=splits_of,
        settings=config["flickr"]["predicted_tags"],
        parts=config["flickr"]["rows"]["parts"],
        block=config["flickr"]["inference"]["block"],
        inference={
            "iterations": config["flickr"]["inference"]["iterations"],
            "start": config["flickr"]["inference"]["start_state"],
        },
        tag_probabilities=reader_of_truth(),
        code=code("predict_tags.py", *filter(None, [module_of(reader_of_truth())])),
    message:
        "Predicting tags of pictures alone"
    script:
        "../workflow_scripts/predict_tags.py"
