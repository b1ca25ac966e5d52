# SPDX-License-Identifier: MIT


# On a cluster it is the login node that reaches the network.
localrules:
    retrieve,


rule retrieve:
    output:
        "results/data/{dataset}/raw/{file}",
    log:
        "results/data/{dataset}/logs/retrieve/{file}.log",
    wildcard_constraints:
        # The last are the weights of a network, and no data.
        dataset=one_of(*DOWNLOADED, "alexnet"),
        file=r"[^/]+",
    params:
        sha256=accepted_hashes,
        code=code("retrieve.py"),
    message:
        "Retrieving {wildcards.file} from the mirror or the network"
    script:
        "../workflow_scripts/retrieve.py"


for _name, _generator in GENERATORS.items():

    rule:
        name:
            f"generate_{_name}"
        output:
            **raw_files_of(_name),
            truth=f"results/data/{_name}/raw/{_generator.truth}",
        log:
            f"results/data/{_name}/logs/generate.log",
        benchmark:
            f"results/data/{_name}/benchmarks/generate.tsv"
        resources:
            mem_mb=1000,
            runtime=30,
        params:
            draw=_generator.draw,
            settings={key: config["data"][_name][key] for key in _generator.settings},
            code=code("generate.py", module_of(_generator.draw)),
        message:
            f"Drawing the images of {_name}"
        script:
            "../workflow_scripts/generate.py"
