# SPDX-License-Identifier: MIT


rule scale_inputs:
    input:
        store=FLICKR_STORE,
    output:
        of_flickr(f"inputs/{PART}.safetensors"),
    log:
        of_flickr(f"logs/scale_inputs/{PART}.log"),
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        split=any_split,
        transforms={
            name: pathway["transform"]
            for name, pathway in config["flickr"]["pathways"].items()
        },
        parts=config["flickr"]["rows"]["parts"],
        standard_deviation=config["flickr"]["standard_deviation"],
        code=code("scale_inputs.py"),
    message:
        "Finding the scale of the inputs"
    script:
        "../workflow_scripts/scale_inputs.py"


# The checkpoint beside the weights is no output: Snakemake would delete it after a kill.
rule pretrain_layer:
    input:
        store=FLICKR_STORE,
        scale=rules.scale_inputs.output[0],
        below=layers_below,
    output:
        weights=of_flickr(f"pretrain/{{modality}}{{layer}}/{PART}.safetensors"),
        metrics=of_flickr(f"pretrain/{{modality}}{{layer}}/{PART}.csv"),
    log:
        of_flickr(f"logs/pretrain_layer/{{modality}}{{layer}}/{PART}.log"),
    benchmark:
        of_flickr(f"benchmarks/pretrain_layer/{{modality}}{{layer}}/{PART}.tsv")
    wildcard_constraints:
        modality=one_of(*MODALITIES),
        layer=r"[1-9]",
    threads: 1
    resources:
        mem_mb=6000,
        runtime=1440,
        gpu=gpu(),
    params:
        **ROWS,
        split=any_split,
        layer=layer_of,
        code=code("pretrain_layer.py", without=OBSERVERS),
    message:
        "Training layer {wildcards.layer} of the pathway of {wildcards.modality}"
    script:
        "../workflow_scripts/pretrain_layer.py"
