# SPDX-License-Identifier: MIT


rule catalogue:
    input:
        unpack(of_source(Source.catalogue_inputs)),
    output:
        "results/data/{dataset}/catalogue.h5",
    log:
        "results/data/{dataset}/logs/catalogue.log",
    wildcard_constraints:
        dataset=one_of(name for name, one in DATASETS.items() if one.has_images),
    resources:
        mem_mb=memory(1500, 0.2, of_source(Source.all_mb)),
        runtime=minutes(30, 0.01, of_source(Source.all_mb)),
    params:
        rows=of_source(Source.planned_rows),
        images=of_source(Source.fingerprint),
        read=lambda wildcards: DATASETS[wildcards.dataset].read,
        settings=of_source(lambda source: source.data),
        about=of_source(Source.about),
        code=code_of("catalogue.py", reader("read")),
    message:
        "Reading tags and labels of {wildcards.dataset}"
    script:
        "../workflow_scripts/catalogue.py"


rule learn_words:
    input:
        unpack(of_source(Source.images)),
    output:
        "results/data/{dataset}/{features}/words.npy",
    log:
        "results/data/{dataset}/{features}/logs/learn_words.log",
    benchmark:
        "results/data/{dataset}/benchmarks/{features}/learn_words.tsv"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
        gpu=gpu(),
    params:
        images=of_source(Source.fingerprint),
        settings=of_source(feature("phow")),
        size=of_source(feature("image_size")),
        batch=of_source(feature("batch")),
        code=code("learn_words.py"),
    message:
        "Learning visual words from images of {wildcards.dataset}"
    script:
        "../workflow_scripts/learn_words.py"


rule convert_network:
    input:
        lambda wildcards: plan.network_weights(wildcards.network),
    output:
        f"{plan.NETWORKS_FOLDER}/{{network}}.onnx",
    log:
        f"{plan.NETWORKS_FOLDER}/logs/{{network}}.log",
    wildcard_constraints:
        network=one_of(NETWORKS),
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        sha256=lambda wildcards: NETWORKS[wildcards.network].sha256,
        code=code("convert_network.py"),
    message:
        "Converting the network {wildcards.network}"
    script:
        "../workflow_scripts/convert_network.py"


# Kept, since they cost the most; who needs the room may delete them once the store is made.
rule describe_block:
    input:
        unpack(of_source(Source.block_inputs)),
    output:
        "results/data/{dataset}/{features}/blocks/{start}-{stop}.npz",
    log:
        "results/data/{dataset}/{features}/logs/describe_block/{start}-{stop}.log",
    benchmark:
        "results/data/{dataset}/benchmarks/{features}/describe_block/{start}-{stop}.tsv"
    threads: 1
    resources:
        mem_mb=memory(1500, 1, of_source(Source.block_mb)),
        runtime=minutes(30, 1, of_source(Source.block_mb)),
        # Networks run on the processor.
        gpu=of_source(lambda source: gpu() * (source.features["kind"] == "descriptors")),
    params:
        images=of_source(Source.fingerprint),
        settings=of_source(Source.description),
        code=of_source(
            lambda source: code(
                "describe_block.py", without=source.described_otherwise()
            )
        ),
    message:
        "Describing images {wildcards.start} to {wildcards.stop} of {wildcards.dataset}"
    script:
        "../workflow_scripts/describe_block.py"


# Once, since the blocks are many and the file may be large.
rule identify_features:
    input:
        of_source(lambda source: source.feature_file),
    output:
        "results/data/{dataset}/{features}/taken/file.json",
    log:
        "results/data/{dataset}/{features}/logs/identify_features.log",
    resources:
        mem_mb=memory(500),
        runtime=minutes(30, 0.01, of_source(Source.all_mb)),
    params:
        code=code("identify_features.py"),
    message:
        "Identifying the file of features of {wildcards.dataset}"
    script:
        "../workflow_scripts/identify_features.py"


rule take_features:
    input:
        features=of_source(lambda source: source.feature_file),
        catalogue="results/data/{dataset}/catalogue.h5",
        facts="results/data/{dataset}/{features}/taken/file.json",
    output:
        "results/data/{dataset}/{features}/taken/{start}-{stop}.npz",
    log:
        "results/data/{dataset}/{features}/logs/take_features/{start}-{stop}.log",
    threads: 1
    resources:
        mem_mb=memory(1500, 1, of_source(Source.block_mb)),
        runtime=minutes(30),
    params:
        images=of_source(Source.fingerprint),
        columns=of_source(feature("columns")),
        code=code("take_features.py"),
    message:
        "Taking features of images {wildcards.start} to {wildcards.stop} of {wildcards.dataset}"
    script:
        "../workflow_scripts/take_features.py"


rule image_store:
    input:
        catalogue="results/data/{dataset}/catalogue.h5",
        blocks=of_source(Source.blocks),
    output:
        "results/data/{dataset}/{features}/store.h5",
    log:
        "results/data/{dataset}/{features}/logs/store.log",
    resources:
        mem_mb=memory(1500, 0.2, of_source(Source.all_mb)),
        runtime=minutes(60, 0.01, of_source(Source.all_mb)),
    params:
        precision=of_source(feature("precision")),
        unreadable=of_source(feature("unreadable")),
        code=code("image_store.py"),
    message:
        "Putting features, tags and labels of {wildcards.dataset} into one store"
    script:
        "../workflow_scripts/image_store.py"


rule data_card:
    input:
        unpack(of_source(Source.images)),
    output:
        json="results/data/{dataset}/card/card.json",
        md="results/data/{dataset}/card/card.md",
        coarse="results/data/{dataset}/card/coarse.png",
        sheet=report(
            "results/data/{dataset}/card/sheet.png",
            category="Data",
            caption="../report/sheet.rst",
        ),
        tags="results/data/{dataset}/card/tags.png",
        tags_svg="results/data/{dataset}/card/tags.svg",
        labels="results/data/{dataset}/card/labels.png",
        labels_svg="results/data/{dataset}/card/labels.svg",
        together="results/data/{dataset}/card/together.png",
        together_svg="results/data/{dataset}/card/together.svg",
    log:
        "results/data/{dataset}/logs/card.log",
    wildcard_constraints:
        dataset=one_of(name for name, one in DATASETS.items() if one.has_images),
    resources:
        mem_mb=memory(1500, 0.2, of_source(Source.all_mb)),
        runtime=minutes(60, 0.01, of_source(Source.all_mb)),
    params:
        settings=of_source(PLAN.card_settings),
        images=of_source(Source.fingerprint),
        code=code("data_card.py"),
    message:
        "Counting and drawing what {wildcards.dataset} holds"
    script:
        "../workflow_scripts/data_card.py"
