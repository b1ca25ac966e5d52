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


def table_note(descriptors="Descriptors"):
    """Say of the inputs what no table of them is shown without, `descriptors` opening the sentence."""
    scale = config["flickr"]["reference_rows"]["text_scale"]
    return (
        f"{config['flickr']['note']} {descriptors} are standardised; a tag counts as {scale:g}, its absence as 0."
    ).strip()


def validation_seen():
    """Say whether the unsupervised training has seen the validation rows."""
    parts = config["flickr"]["rows"]["parts"]
    return "validation" in parts and not learned_once()


def learned_from():
    """Say what the unsupervised training learned from, for the tables."""
    if learned_once():
        return (
            "the unlabelled rows, and so once for all splits; what differs from split to split is the"
            " labelled rows, not this training"
        )
    parts = " and ".join(config["flickr"]["rows"]["parts"])
    seen = (
        "; it has thus seen the validation rows, whose scores are too good to be compared with those of"
        " other methods"
    )
    return (
        f"the {parts} rows of each split without their labels, as there are no unlabelled rows or too few"
        + (seen if validation_seen() else "")
    )


def scores_of(kind, models):
    """List the score files of a kind for each model and split."""
    return expand(
        of_flickr(f"scores/{kind}/{{model}}/split{{split}}.json"),
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
    dataset = config["flickr"]["dataset"]
    generator = GENERATORS.get(dataset)
    return [f"results/data/{dataset}/raw/{generator.truth}"] if generator else []


def reader_of_truth():
    """Name what reads these probabilities."""
    generator = GENERATORS.get(config["flickr"]["dataset"])
    return generator.tag_probabilities if generator else ""


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
        "images": raw_files_of(dataset)["images"],
        "catalogue": f"results/data/{dataset}/catalogue.h5",
    }


def classified(train_on):
    """List the scores of classifiers trained on one kind of features, if any were asked for."""
    wanted = train_on in config["flickr"]["classifier"]["train_on"]
    return scores_of(train_on, DEEP_MODELS) if wanted else []


# What the models are compared with.
RAW_INPUTS = ["image+text", "image", "text", "sqrt_image+text", "sqrt_image"]
# The numbers of iterations that the network is finetuned with.
SWEPT = sorted({STAGES[LAST]["iterations"], *config["flickr"]["sweep"]["trained"]})
# What no table of the deep model is shown without.
ABOUT_DEEP = {
    "stages": {name: stage["title"] for name, stage in STAGES.items()},
    "finetuned": FINETUNED,
    "main": STAGES[LAST]["iterations"],
    "untagged": config["flickr"]["inference"]["untagged"],
    "iterations": config["flickr"]["inference"]["iterations"],
    "learned_from": learned_from(),
    "note": config["flickr"]["note"],
    "run": config["flickr"]["run"],
}
