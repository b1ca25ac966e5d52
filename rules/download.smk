# SPDX-License-Identifier: MIT


# On a cluster it is the login node that reaches the network.
localrules:
    download,
    download_in_turn,


rule download:
    output:
        "results/data/{dataset}/raw/{file}",
    log:
        "results/data/{dataset}/logs/download/{file}.log",
    wildcard_constraints:
        dataset=one_of(plan.DOWNLOADED),
        file=r"[^/]+",
    params:
        sha256=lambda wildcards: checked(
            plan.hash_of_download, wildcards.dataset, wildcards.file
        ),
        code=code("download.py"),
    message:
        "Taking {wildcards.file} from the mirror or the network"
    script:
        "../workflow_scripts/download.py"


# Image files that together are too large, one at a time: the next one waits for what is made of this one, which
# is deleted then.
use rule download as download_in_turn with:
    input:
        lambda wildcards: checked(
            PLAN.described_before, wildcards.dataset, wildcards.file
        ),
    output:
        temp("results/data/{dataset}/raw/{file}"),
    wildcard_constraints:
        dataset=one_of(plan.IN_TURN),
        file=one_of(file for files in plan.IN_TURN.values() for file in files),


ruleorder: download_in_turn > download


for _name, _source in PLAN.generated.items():
    _generator = _source.dataset.generator

    rule:
        name:
            f"generate_{_name}"
        output:
            **{
                kind: f"results/data/{_name}/raw/{file}"
                for kind, file in _generator.files.items()
            },
            truth=f"results/data/{_name}/raw/{_generator.truth}",
        log:
            f"results/data/{_name}/logs/generate.log",
        benchmark:
            f"results/data/{_name}/benchmarks/generate.tsv"
        resources:
            mem_mb=memory(1000),
            runtime=minutes(30, 0.2, lambda wildcards, source=_source: source.all_mb),
        params:
            draw=_generator.draw,
            settings={key: _source.data[key] for key in _generator.settings},
            code=code("generate.py", module_of(_generator.draw)),
        message:
            f"Drawing the images of {_name}"
        script:
            "../workflow_scripts/generate.py"
