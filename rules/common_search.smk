# SPDX-License-Identifier: MIT
"""Helper functions of the search for settings of the top layer; no rule stands here."""


def searched(path):
    """Name a file of the split on which settings are searched for."""
    return path.replace("{split}", str(config["flickr"]["joint"]["search"]["split"]))


def trials():
    """List what the search tries with each objective: the first weights and the rate of each training."""
    search = config["flickr"]["joint"]["search"]
    return [
        {"weight_std": std, "learning_rate": rate}
        for std in search["weight_std"]
        for rate in search["learning_rate"]
    ]


def trial_model(wildcards):
    """Lay the first weights of a trial over the settings of the layer."""
    joint = config["flickr"]["joint"]
    kept = {key: joint[key] for key in ("hidden", "up", "down")}
    return kept | {"weight_std": trials()[int(wildcards.trial) - 1]["weight_std"]}


def trial_schedule(wildcards):
    """Lay what a trial changes over the schedule of its objective."""
    rate = trials()[int(wildcards.trial) - 1]["learning_rate"]
    epochs = config["flickr"]["joint"]["search"]["epochs"]
    return top_schedule(wildcards) | {"learning_rate": rate, "epochs": epochs}


def trial_files(wildcards):
    """List the trainings of the search; layers that know the validation rows would make it worthless."""
    if not learned_once() and "validation" in config["flickr"]["rows"]["parts"]:
        raise WorkflowError(
            "Settings are chosen on validation rows, so that nothing may learn from them; search with "
            "--config 'flickr={run: search, rows: {parts: [train]}}'."
        )
    return expand(
        of_flickr("search/{objective}/trial{trial}.csv"),
        objective=config["flickr"]["joint"]["compare"],
        trial=range(1, 1 + len(trials())),
    )
