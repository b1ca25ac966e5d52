# SPDX-License-Identifier: MIT
"""Helper functions of the rules that train and judge the deep model; no rule stands here."""

MODALITIES = list(config["flickr"]["pathways"])
STAGES = {stage["name"]: stage for stage in config["flickr"]["finetune"]}
# The objective whose top layer is finetuned, and the network that comes out in the end.
FINETUNED = config["flickr"]["joint"]["compare"][-1]
LAST = config["flickr"]["finetune"][-1]["name"]
DEEP_MODELS = [*config["flickr"]["joint"]["compare"], *STAGES]


@cache
def learned_once():
    """Say whether training takes the unlabelled rows, and is then the same for every split."""
    dataset = config["flickr"]["dataset"]
    return DATASETS[dataset].learned_once(config["data"][dataset])


# What a stage learns from, as part of the names of files.
PART = "unlabelled" if learned_once() else "split{split}"


def of_splits(pattern):
    """List the files of the splits, {split} in their names, that one job makes from what a stage gave."""
    numbers = config["flickr"]["splits"]
    return (
        expand(pattern, split=numbers, allow_missing=True)
        if learned_once()
        else [pattern]
    )


def first_split(pattern):
    """Name the file of the first split."""
    return pattern.replace("{split}", str(config["flickr"]["splits"][0]))


def splits_of(wildcards):
    """List the splits of a job."""
    numbers = config["flickr"]["splits"]
    return numbers if learned_once() else [int(wildcards.split)]


def any_split(wildcards):
    """Pick the split whose rows a training may see; any, where these are the unlabelled ones."""
    return 1 if learned_once() else int(wildcards.split)


def layer_file(modality, layer):
    """Name the weights of one layer of a pathway."""
    return of_flickr(f"pretrain/{modality}{layer}/{PART}.safetensors")


def layers_below(wildcards):
    """List the layers of a pathway under another one."""
    return [
        layer_file(wildcards.modality, layer)
        for layer in range(1, int(wildcards.layer))
    ]


def layer_files():
    """Name the layers of each pathway."""
    return {
        name: [
            layer_file(name, layer)
            for layer in range(1, 1 + len(config["flickr"]["pathways"][name]["layers"]))
        ]
        for name in MODALITIES
    }


def layer_of(wildcards):
    """Pick the settings of one layer."""
    pathway = config["flickr"]["pathways"][wildcards.modality]
    return pathway["layers"][int(wildcards.layer) - 1]


def top_file(objective):
    """Name the weights of the top layer trained by one objective."""
    return of_flickr(f"joint/{objective}/{PART}.safetensors")


def stage_file(stage, iterations=None):
    """Name the network after a stage, finetuned with its own number of iterations unless told another."""
    iterations = STAGES[stage]["iterations"] if iterations is None else iterations
    return of_flickr(f"finetune/{stage}/n{iterations}/{PART}.safetensors")


def stage_before(wildcards):
    """Name the network that a stage starts from."""
    order = list(STAGES)
    place = order.index(wildcards.stage)
    return stage_file(order[place - 1]) if place else top_file(FINETUNED)


def model_file(wildcards):
    """Name the weights of a model of the tables."""
    name = wildcards.model
    return stage_file(name) if name in STAGES else top_file(name)


def top_schedule(wildcards):
    """Lay what one objective changes over the schedule of all."""
    joint = config["flickr"]["joint"]
    return merge(joint["training"], joint["training_of"].get(wildcards.objective, {}))


def stage_settings(wildcards):
    """Pick the settings of a stage, with the number of iterations asked for."""
    kept = {
        key: value for key, value in STAGES[wildcards.stage].items() if key != "title"
    }
    return {**kept, "iterations": int(wildcards.iterations)}


# What decides which rows a stage learns from and what it sees of them.
ROWS = {
    "rows": config["flickr"]["rows"],
    "seed": config["flickr"]["seed"],
    "precision": config["precision"],
}
