# SPDX-License-Identifier: MIT


rule finetune:
    input:
        **layer_files(),
        store=FLICKR_STORE,
        scale=rules.scale_inputs.output[0],
        network=stage_before,
    output:
        weights=of_flickr(f"finetune/{{stage}}/n{{iterations}}/{PART}.safetensors"),
        metrics=of_flickr(f"finetune/{{stage}}/n{{iterations}}/{PART}.csv"),
    log:
        of_flickr(f"logs/finetune/{{stage}}/n{{iterations}}/{PART}.log"),
    benchmark:
        of_flickr(f"benchmarks/finetune/{{stage}}/n{{iterations}}/{PART}.tsv")
    wildcard_constraints:
        stage=one_of(*STAGES),
        iterations=r"\d+",
    threads: 1
    resources:
        mem_mb=6000,
        runtime=1440,
        gpu=gpu(),
    params:
        **ROWS,
        split=any_split,
        stage=stage_settings,
        code=code("finetune.py", without=OBSERVERS),
    message:
        "Finetuning ({wildcards.stage}) with {wildcards.iterations} iterations"
    script:
        "../workflow_scripts/finetune.py"


# The network in one file with the scale of its inputs and the vocabulary, so that raw features go in.
rule keep_model:
    input:
        scale=rules.scale_inputs.output[0],
        network=stage_file(LAST),
    output:
        of_flickr(f"finetune/{PART}.safetensors"),
    log:
        of_flickr(f"logs/keep_model/{PART}.log"),
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        code=code("keep_model.py"),
    message:
        "Keeping the finetuned network with the scale of its inputs"
    script:
        "../workflow_scripts/keep_model.py"
