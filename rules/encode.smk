# SPDX-License-Identifier: MIT


rule encode:
    input:
        unpack(of(Run.encode_inputs)),
    output:
        temp("results/{run}/representations/{model}/{batch}.h5"),
    log:
        "results/{run}/logs/encode/{model}/{batch}.log",
    benchmark:
        "results/{run}/benchmarks/encode/{model}/{batch}.tsv"
    threads: 1
    resources:
        mem_mb=memory(1500, 1, of(Run.represented_mb)),
        runtime=minutes(60, 0.2, of(Run.represented_mb)),
        gpu=gpu(),
    params:
        parts=of(Run.part_names),
        inference=of(Run.encoding),
        code=code_of("encode.py", method_of, FITTING),
    message:
        "Encoding with {wildcards.model} of {wildcards.run}"
    script:
        "../workflow_scripts/encode.py"
