# SPDX-License-Identifier: MIT
"""Helper functions of the rules that write tables and draw figures of pictures and tags; no rule stands here."""


def flickr_tables():
    """List the tables of the run; none where there is nothing to classify by."""
    return (
        [of_flickr("tables/reference.md")]
        if config["flickr"]["reference_rows"]["inputs"]
        else []
    )


def reference_table(wildcards):
    """Name the table of linear classifiers; to ask for it where there is nothing to classify is a mistake."""
    tables = flickr_tables()
    if not tables:
        raise WorkflowError(
            'config key "flickr.reference_rows.inputs" is empty, so that nothing is classified; name inputs, such '
            "as [image, text, image+text]."
        )
    return tables


def validation_seen():
    """Say whether the unsupervised training has seen the validation rows."""
    parts = config["flickr"]["rows"]["parts"]
    return "validation" in parts and not learned_once()


def learned_from():
    """Say what the unsupervised training learned from, for the tables."""
    if learned_once():
        return "the unlabelled rows, once for all splits"
    parts = " and ".join(config["flickr"]["rows"]["parts"])
    seen = " (validation scores are optimistic)" if validation_seen() else ""
    return f"the {parts} rows of each split{seen}"


def scores_of(kind, models):
    """List the score files of a kind for each model and split."""
    return expand(
        of_flickr(f"scores/{kind}/{{model}}/split{{split}}.csv"),
        model=models,
        split=config["flickr"]["splits"],
    )


def trained_metrics():
    """List the metrics of every stage, for the splits that it was trained on."""
    weights = [path for paths in layer_files().values() for path in paths]
    weights += [top_file(name) for name in config["flickr"]["joint"]["compare"]]
    weights += [stage_file(name) for name in STAGES]
    metrics = [path.replace(".safetensors", ".csv") for path in weights]
    return expand(metrics, split=config["flickr"]["splits"])


def truth_of_tags():
    """Name the probabilities by which tags were drawn, where that is known."""
    known = config["flickr"]["dataset"] == "mini"
    return ["results/data/mini/raw/truth.npz"] if known else []


def deep_tables():
    """List the tables of the deep model."""
    if "deep" not in config["experiments"]:
        return []
    return [
        of_flickr(f"tables/{name}.md")
        for name in ("table2", "table3", "retrieval", "tags")
    ]


def deep_figures():
    """List the figures of the deep model; those with pictures need some."""
    if "deep" not in config["experiments"]:
        return []
    names = ["table3", "recall", "learning"]
    if PICTURES:
        names = ["figure3", "figure4", "predicted_tags", *names]
    return [of_flickr(f"figures/{name}.png") for name in names]


def kept_models():
    """List the finished models, one for each set of rows learned from."""
    if "deep" not in config["experiments"]:
        return []
    return expand(
        of_flickr(f"finetune/{PART}.safetensors"), split=config["flickr"]["splits"]
    )


def pictures_of_run(wildcards):
    """Name where the pictures of the data set lie, and the catalogue that names them."""
    dataset = config["flickr"]["dataset"]
    if not PICTURES:
        raise WorkflowError(
            f"The data set {dataset} has no pictures to draw; ask for its tables."
        )
    return {
        "pictures": raw_files_of(dataset)["pictures"],
        "catalogue": f"results/data/{dataset}/catalogue.h5",
    }


def classified(train_on):
    """List the scores of classifiers trained on one kind of features, if any were asked for."""
    wanted = train_on in config["flickr"]["classifier"]["train_on"]
    return scores_of(train_on, DEEP_MODELS) if wanted else []


# The Toronto archive has features and no pictures.
PICTURES = config["flickr"]["dataset"] != "toronto"
# What the models are compared with.
RAW_INPUTS = ["image+text", "image", "text", "sqrt_image+text", "sqrt_image"]
# The numbers of iterations that the network is finetuned with.
SWEPT = sorted({STAGES[LAST]["iterations"], *config["flickr"]["sweep"]["trained"]})
QUERIES = queries_of(MODALITIES)
# Joint layers that Table 2 compares with each other.
COMPARED = [
    pair
    for pair in [("mp", "pcd")]
    if set(pair) <= set(config["flickr"]["joint"]["compare"])
]
# The joint layers by every method, and the networks finetuned from one of them.
LOOKS = looks(config["flickr"]["joint"]["compare"], "Joint layer by {short}") | {
    name: f"MDRNN, {stage['title']}" for name, stage in STAGES.items()
}
LABELS = {
    name: look if isinstance(look, str) else look["label"]
    for name, look in LOOKS.items()
}
# What a table of the deep model says of the training.
TRAINING = {
    "learned_from": learned_from(),
    "finetuned_from": f"the joint layer by {METHODS[FINETUNED].short}",
    "iterations": config["flickr"]["inference"]["iterations"],
    "untagged": config["flickr"]["inference"]["untagged"],
}
SWEEP = {
    "method": LAST,
    "main": STAGES[LAST]["iterations"],
    "trained": SWEPT,
    "tested": sorted(config["flickr"]["sweep"]["iterations"]),
    "queries": QUERIES[:2],
}


def table_of_flickr(name):
    """Pass on what the tables of the run have in common, and the name of one."""
    return {
        "table": name,
        "run": config["flickr"]["run"],
        "title": title_of(config["flickr"]["dataset"]),
        "note": config["flickr"]["note"],
        "code": code("write_table.py"),
    }


def every_score():
    """List all score files of the run."""
    reference = config["flickr"]["reference_rows"]["inputs"]
    if "deep" not in config["experiments"]:
        return scores_of("reference", reference)
    models = [f"n{count}" for count in SWEPT]
    return [
        *classified("multimodal"),
        *classified("mixed"),
        *scores_of("reference", dict.fromkeys([*reference, *RAW_INPUTS])),
        *scores_of("sweep", models),
        *scores_of("retrieval", DEEP_MODELS),
        *scores_of("tags", [LAST]),
    ]
