# SPDX-License-Identifier: MIT
"""The configuration: what is shipped is valid, what is mistaken is refused in one helpful sentence."""

import json
import re
from pathlib import Path

import pytest
import yaml

from mvi.data.sets.registry import DATASETS
from mvi.errors import ConfigError
from mvi.methods.registry import METHODS, build
from mvi.workflow.config import merge, resolve

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "config/runs"
FILES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
PATHS = {"data": {"folder": {"images": "images", "table": "table.csv"}}}


def resolved(raw, folder=FOLDER):
    return resolve(raw, folder)


def one(name, **over):
    """A shipped run with some settings laid over it."""
    return resolved({**PATHS, "runs": [name], "settings": over})["runs"][name]


def refused(raw, folder=FOLDER):
    """The sentence that a configuration is refused with."""
    with pytest.raises(ConfigError) as caught:
        resolve(raw, folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def written(folder, **files):
    """Write run files."""
    for name, content in files.items():
        text = content if isinstance(content, str) else yaml.safe_dump(content)
        (folder / f"{name}.yaml").write_text(text)
    return folder


def nested(path, value):
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


# ---- what is shipped ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_run_files_are_valid(name):
    run = one(name)
    assert run["name"] == name
    methods = run["methods"] if "methods" in run else run["theory"]["training"]["methods"]
    for method, settings in methods.items():
        if METHODS[method].objective:
            build(method, settings)


@pytest.mark.parametrize("name", FILES)
def test_a_run_file_begins_with_what_when_and_how(name):
    lines = (FOLDER / f"{name}.yaml").read_text().splitlines()
    assert all(line.startswith("# ") for line in lines[:3]) and not lines[3].startswith("#")
    assert lines[2].startswith("# snakemake ")


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("reference-")])
def test_the_command_of_a_run_file_makes_this_run(name):
    words = (FOLDER / f"{name}.yaml").read_text().splitlines()[2].split()
    file = words[words.index("--configfile") + 1] if "--configfile" in words else "config/config.yaml"
    preset = [word.removeprefix("preset=") for word in words if word.startswith("preset=")]
    runs = [word.removeprefix("runs=").strip("[]").split(",") for word in words if word.startswith("runs=")]
    raw = yaml.safe_load((ROOT / file).read_text()) | ({"preset": preset[0]} if preset else {})
    raw |= {"runs": runs[0]} if runs else {}
    assert name in resolved(raw)["runs"]


@pytest.mark.parametrize(
    ("file", "runs"),
    [
        ("config", ["digits-default", "mini-default", "minivoc-default", "theory"]),
        ("mnist", ["mnist-fast", "theory"]),
        ("mirflickr25k", ["mirflickr25k-25k"]),
        ("toronto", ["toronto-archive"]),
        ("folder", ["folder-own"]),
    ],
)
def test_a_config_file_names_its_runs(file, runs):
    assert list(resolved(yaml.safe_load((ROOT / f"config/{file}.yaml").read_text()))["runs"]) == runs


def test_halves_have_the_reference_code_s_values():
    # The second table of section 1.2 of the reference, and its sections 1.3 to 1.7.
    run = one("mnist-paper")
    joint, methods = run["joint"], run["methods"]
    training = joint["training"]
    assert (joint["hidden"], joint["weight_std"], joint["down"]) == (1000, 0.01, 1)
    assert joint["up"] == {"left": 1, "right": 1}
    assert (training["epochs"], training["batch_size"], training["batches_per_epoch"]) == (300, 100, 500)
    assert (training["learning_rate"], training["decay"], training["l2"]) == (0.01, 0.005, 1e-4)
    assert training["momentum"] == {"initial": 0.33, "final": 0.47, "change_after": 5}
    assert (methods["pcd"]["chains"], methods["hybrid"]["chains"]) == (500, 500)
    approximate = {"kind": "approximate", "damping": 0.9}
    assert methods["pcd"]["sparsity"] == {**approximate, "weight": 0.3, "target": 0.05}
    assert methods["cd_percloss"]["sparsity"] == {**approximate, "weight": 0.1, "target": 0.1}
    assert methods["mp"]["sparsity"] == {"kind": "exact", "weight": 0.1, "target": 0.1}
    assert methods["hybrid"]["likelihood_sparsity"] == {**approximate, "weight": 0.1, "target": 0.1}
    ramp = {"start": 1, "step": 1, "every": 10, "maximum": 10}
    assert methods["pcd"]["gibbs_steps"] == methods["hybrid"]["gibbs_steps"] == ramp
    assert methods["cd_percloss"]["gibbs_steps"]["start"] == 10
    assert methods["mp"]["bptt_depth"] == {"start": 1, "step": 1, "every": 20, "maximum": 5}
    assert (methods["mp"]["reveal"], methods["hybrid"]["reveal"]) == (0.25, 0.1)
    assert methods["hybrid"]["alpha"] == 0.5
    iterations = run["inference"]["iterations"]
    assert [iterations[name] for name in ("pcd", "cd_percloss", "mp", "hybrid")] == [10, 10, 5, 5]
    assert (run["inference"]["tolerance"], run["inference"]["start_state"]) == (1e-5, "doubled")
    assert run["classifier"]["C"] == [0.003, 0.01, 0.03, 0.1, 0.3, 1, 10, 30, 100, 300, 1000]
    assert run["classifier"]["train_on"] == ["multimodal"]
    assert run["rows"]["parts"] == ["train"]


def test_images_and_tags_have_the_reference_code_s_values():
    # Sections 3.2 to 3.5 of the reference.
    run = one("toronto-paper")
    image, text = (run["pathways"][name]["layers"] for name in ("image", "text"))
    assert [layer["hidden"] for layer in (*image, *text)] == [1024] * 4
    assert [layer["method"] for layer in (*image, *text)] == ["cd", "pcd", "pcd", "pcd"]
    assert [layer["training"]["epochs"] for layer in (*image, *text)] == [300, 200, 200, 100]
    rates = [layer["training"]["learning_rate"] for layer in (*image, *text)]
    assert rates == [0.001, 0.1, 0.1, 0.03]
    assert [(layer["up"], layer["down"]) for layer in (*image, *text)] == [(2, 1), (2, 2), (2, 1), (2, 2)]
    assert [layer["minimum_tags"] for layer in (*image, *text)] == [0, 0, 5, 5]
    assert (image[0]["units"], image[0]["steps"]) == ("stepped_sigmoid", 5)
    joint, mp = run["joint"], run["methods"]["mp"]
    assert (joint["hidden"], joint["up"], joint["down"]) == (2048, {"image": 1, "text": 1}, 2)
    assert joint["minimum_tags"] == 2
    assert (mp["iterations"], mp["reveal"], mp["bptt_depth"]["maximum"]) == (10, 0, 10)
    assert mp["sparsity"] == {"kind": "exact", "weight": 0.01, "target": 0.2}
    assert run["finetune_from"] == "mp"
    first, last = run["finetune"]
    assert (first["directions"], last["directions"]) == (["image", "text"], ["text"])
    assert (last["reveal"], last["layers"]) == ({"image": 0, "text": 0.1}, 2)
    assert [stage["training"]["learning_rate"] for stage in (first, last)] == [0.01, 0.03]
    assert run["inference"]["iterations"] == 10
    assert run["classifier"]["lambda"] == [0.001]
    assert run["sweep"] == {"iterations": [0, 1, 2, 3, 5, 10], "trained": [0, 1, 2, 3, 5, 10]}
    kinds = [pathway["transform"]["kind"] for pathway in run["pathways"].values()]
    assert kinds == ["standardise", "binarise"]


def test_every_method_can_be_configured_in_every_run():
    for name in ("digits-default", "mini-default"):
        assert list(one(name)["methods"]) == list(METHODS)


def test_every_run_with_a_data_set_has_the_same_keys():
    digits, mini = one("digits-default"), one("mini-default")
    assert list(digits) == list(mini)
    for key in set(digits) - {"data", "features", "pathways"}:
        if isinstance(digits[key], dict):
            assert list(digits[key]) == list(mini[key])


# ---- layers of settings -------------------------------------------------------------------------------


def test_precedence_is_schema_then_extended_files_then_the_file_then_what_is_laid_over_all(tmp_path):
    base = {"extends": "first", "joint": {"training": {"epochs": 7, "l2": 0.5, "decay": 0.25}}}
    own = {"extends": "second", "joint": {"training": {"epochs": 8, "l2": 0.75}}}
    first = yaml.safe_load((FOLDER / "reference-mnist.yaml").read_text())
    folder = written(tmp_path, first=first, second=base, third=own)
    raw = {"runs": ["third"], "settings": {"joint": {"training": {"epochs": 9}}}}
    training = resolve(raw, folder)["runs"]["third"]["joint"]["training"]
    found = [training[key] for key in ("epochs", "l2", "decay", "batch_size", "batches_per_epoch")]
    assert found == [9, 0.75, 0.25, 100, 500]


def test_settings_are_laid_over_every_run_and_theory_over_that_of_the_theory():
    raw = {
        "runs": ["digits-default", "mini-default", "theory"],
        "settings": {"seeds": [7], "theory": {"seed": 3}},
    }
    runs = resolved(raw)["runs"]
    assert [run.get("seeds") for run in runs.values()] == [[7], [7], None]
    assert runs["theory"]["theory"]["seed"] == 3 and runs["theory"]["theory"]["identity"]["models"] == 50


def test_data_and_features_are_laid_over_the_runs_that_have_them():
    raw = {
        "runs": ["digits-default", "mini-default", "toronto-paper"],
        "data": {"mini": {"labelled": 500}, "mirflickr25k": {"images": 5}},
        "features": {"image_size": 80, "precision": "float32", "name": "small"},
    }
    runs = resolved(raw)["runs"]
    assert runs["mini-default"]["data"]["labelled"] == 500
    assert runs["mini-default"]["data"]["unlabelled"] == 2500
    assert runs["digits-default"]["features"] == {"name": "given", "kind": "given"}
    assert runs["toronto-paper"]["features"] == {"name": "given", "kind": "given", "precision": "float32"}
    features = runs["mini-default"]["features"]
    assert (features["name"], features["kind"], features["image_size"]) == ("small", "descriptors", 80)
    assert features["phow"]["images"] == 1000


def test_features_have_the_name_of_their_kind_if_no_other():
    raw = {
        "runs": ["mini-default"],
        "features": {"kind": "network"},
        "settings": {"baselines": {"inputs": []}},
    }
    raw["settings"]["outputs"] = ["features"]
    assert resolved(raw)["runs"]["mini-default"]["features"]["name"] == "efficientnet_lite0"


@pytest.mark.parametrize(
    ("features", "said"),
    [
        (
            {"kind": "cnn"},
            'kind" is "cnn", but must be one of .* what was cnn is network, with the network alexnet',
        ),
        ({"network": "efficientnet_lite"}, "efficientnet_lite0 or alexnet, or the path .* did you mean"),
        ({"network": "absent.onnx"}, '"absent.onnx", but there is no such file'),
        ({"network": "own.onnx"}, 'side" is null, but must be set'),
        ({"network": "own.onnx", "side": 64, "mean": [0, 0, 0]}, 'deviation" is null, but must be set'),
        ({"mean": [1, 2]}, "mean"),
        ({"deviation": [1, 0, 1]}, "deviation"),
        ({"name": "alexnet"}, 'name" is "alexnet", but must not be that of another kind'),
        ({"file": "own.npy"}, 'file" must be null, since ".*kind" is "network"'),
        ({"kind": "file"}, 'file" must be set, since ".*kind" is "file"'),
        ({"kind": "file", "file": "absent.h5"}, '"absent.h5", but there is no such file'),
        ({"kind": "file", "file": "own.onnx"}, "own.onnx.* ending in .npy, .h5 or .hdf5"),
        ({"kind": "file", "file": "~nobody.at.all/own.h5"}, 'own.h5", but there is no such file'),
        ({"network": "a" * 5000 + ".onnx", "side": 64}, 'a.onnx", but there is no such file'),
        ({"kind": "file", "file": "{own}.h5"}, 'file" is ".own..h5", but must be without braces'),
        ({"kind": "file", "file": "raw.h5"}, 'name" is "raw", but must be text .* and not raw, logs'),
        ({"kind": "file", "file": ".npy"}, 'name" is "", but must be text'),
        ({"columns": 7}, 'columns" is 7, but must be null, since ".*kind" is "network"'),
    ],
)
def test_a_network_or_file_must_be_known_or_say_what_it_is(tmp_path, monkeypatch, features, said):
    folder = FOLDER.resolve()
    monkeypatch.chdir(tmp_path)
    for name in ("own.onnx", "{own}.h5", "raw.h5", ".npy"):
        (tmp_path / name).touch()
    raw = {"runs": ["mini-network"], "features": {"kind": "network"} | features}
    assert re.search(said, refused(raw, folder))


def test_features_of_a_file_have_its_name(tmp_path):
    path = tmp_path / "clip image (1).onnx"
    path.touch()
    seen = {"side": 64, "mean": [0, 0, 0], "deviation": [1, 1, 1]}
    found = resolved({"runs": ["mini-network"], "features": {"network": str(path), **seen}})
    assert found["runs"]["mini-network"]["features"]["name"] == "clip-image--1-"


def test_the_settings_of_another_data_set_are_not_extended():
    raw = {"runs": {"mine": {"extends": "mini-default", "dataset": "mirflickr25k"}}}
    mine = resolved(raw)["runs"]["mine"]
    assert mine["data"]["splits"]["train"] == 0.4
    # Nor what its images were turned into: 96 pixels are a scene's, and half of a photograph's.
    new = resolved({"runs": {"new": {"extends": "reference-flickr", "dataset": "mirflickr25k"}}})["runs"][
        "new"
    ]
    assert mine["features"] == new["features"] != one("mini-default")["features"]
    own = {"extends": "mini-default", "dataset": "mirflickr25k", "features": {"image_size": 100}}
    assert resolved({"runs": {"mine": own}})["runs"]["mine"]["features"]["image_size"] == 100


def test_a_preset_takes_another_form_of_each_data_set():
    raw = yaml.safe_load((ROOT / "config/mnist.yaml").read_text())
    assert list(resolved({**raw, "preset": "paper"})["runs"]) == ["mnist-paper", "theory"]
    raw = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert resolved({**raw, "preset": "default"}) == resolved(raw)


def test_run_is_another_name_for_the_run_with_data():
    runs = resolved({"runs": ["mnist-fast", "theory"], "run": "mine"})["runs"]
    assert list(runs) == ["mine", "theory"] and runs["mine"]["name"] == "mine"
    again = resolved({"runs": runs, "run": "other"})["runs"]
    assert again["other"] == {**runs["mine"], "name": "other"}


def test_runs_may_be_written_where_they_are_named():
    raw = {
        "runs": {
            "digits-default": {"joint": {"hidden": 50}},
            "mine": {"extends": "digits-default", "copies": 4},
            "theory": {},
        }
    }
    runs = resolved(raw)["runs"]
    assert list(runs) == ["digits-default", "mine", "theory"]
    assert [runs[name]["joint"]["hidden"] for name in ("digits-default", "mine")] == [50, 200]
    assert [runs[name]["copies"] for name in ("digits-default", "mine")] == [0, 4]
    assert runs["theory"] == one("theory")


def test_what_a_method_changes_in_the_schedule_is_not_filled_up():
    run = one("reference-mnist", joint={"training_of": {"mp": {"epochs": 5}}})
    assert run["joint"]["training_of"] == {"mp": {"epochs": 5}}
    merged = merge(run["joint"]["training"], run["joint"]["training_of"]["mp"])
    assert merged == run["joint"]["training"] | {"epochs": 5}
    assert list(merged) == list(run["joint"]["training"])


def test_of_the_theory_only_the_methods_that_are_written_are_followed():
    training = one("theory")["theory"]["training"]
    assert list(training["methods"]) == ["pcd", "cd_percloss", "mp"]
    assert training["methods"]["mp"]["iterations"] == 5


def test_a_modality_is_seen_by_the_usual_transform_of_its_data_set(tmp_path):
    base = yaml.safe_load((FOLDER / "reference-flickr.yaml").read_text())
    for pathway in base["pathways"].values():
        del pathway["transform"]
    pathways = resolve({"runs": ["base"]}, written(tmp_path, base=base))["runs"]["base"]["pathways"]
    assert [one["transform"]["kind"] for one in pathways.values()] == ["standardise", "binarise"]


def test_iterations_at_test_are_those_of_every_model_or_of_each_method():
    assert one("mini-default")["inference"]["iterations"] == 10
    given = one("mini-default", inference={"iterations": {"mp": 3}})["inference"]["iterations"]
    assert given == {**dict.fromkeys(METHODS, 10), "mp": 3}
    assert one("digits-default", inference={"iterations": "4"})["inference"]["iterations"] == 4


@pytest.mark.parametrize("name", FILES)
def test_a_resolved_run_resolves_to_itself(name):
    config = resolved({**PATHS, "runs": [name], "settings": {"theory": {"seed": 2}}})
    again = resolve(yaml.safe_load(yaml.safe_dump(config)), ROOT / "none")
    assert json.dumps(again) == json.dumps(config)


def test_a_resolved_configuration_has_nothing_left_to_lay_over_it():
    config = resolved({"runs": ["mnist-fast"], "preset": "paper", "run": "x", "settings": {"seeds": [1]}})
    left = ("preset", "run", "settings", "data", "features")
    assert [config[key] for key in left] == [None, None, {}, {}, {}]
    assert next(iter(config)) == "runs"


def test_the_order_of_keys_and_the_way_of_writing_numbers_do_not_matter():
    one_way = {"joint": {"training": {"l2": 1, "epochs": 5}}, "seeds": [1]}
    other = {"seeds": [1.0], "joint": {"training": {"epochs": 5.0, "l2": "1e0"}}}
    found = [resolved({"runs": ["digits-default"], "settings": over}) for over in (one_way, other)]
    assert json.dumps(found[0]) == json.dumps(found[1])


def test_truth_values_numbers_and_null_may_come_as_text():
    # Snakemake gives what stands in braces after --config so.
    def asked(yes, nothing, number, seed):
        image = {"transform": {"signed_sqrt": yes, "clip": nothing}}
        over = {"seeds_together": yes, "pathways": {"image": image}, "seeds": [seed]}
        run = {"extends": "mini-default", "joint": {"hidden": number}}
        return {"runs": {"mine": run}, "settings": over, "preset": nothing}

    large = 2**64 - 1
    text = resolved(asked("True", "null", "50", str(large)))
    assert json.dumps(text) == json.dumps(resolved(asked(True, None, 50, large)))
    assert text["runs"]["mine"]["pathways"]["image"]["transform"]["signed_sqrt"] is True
    assert text["runs"]["mine"]["seeds"] == [large]
    assert one("mini-default", seeds_together="false")["seeds_together"] is False
    # A string stays one.
    assert list(resolved({"runs": ["mnist-fast"], "run": "true"})["runs"]) == ["true"]


def test_the_input_is_left_alone():
    raw = {"runs": ["digits-default"], "settings": {"joint": {"training": {"l2": "1e-3"}}}}
    before = json.dumps(raw)
    resolved(raw)["runs"]["digits-default"]["joint"]["training"]["momentum"]["initial"] = 0.9
    assert json.dumps(raw) == before
    assert one("digits-default")["joint"]["training"]["momentum"]["initial"] == 0.5


def test_runs_may_share_a_data_set_and_stand_beside_other_features_of_it():
    other = {"extends": "mini-default", "features": {"kind": "network"}, "baselines": {"inputs": ["image"]}}
    runs = resolved({"runs": {"mini-default": {}, "other": other}})["runs"]
    assert [run["features"]["name"] for run in runs.values()] == ["descriptors", "efficientnet_lite0"]
    same = {"extends": "mini-default", "joint": {"hidden": 5}}
    assert len(resolved({"runs": {"mini-default": {}, "same": same}})["runs"]) == 2


# ---- mistakes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "instead"),
    [
        ("seeds", "settings={seeds: [...]}"),
        ("seeds_together", "settings={seeds_together: ...}"),
        ("dataset", "runs=[...]"),
        ("experiments", "runs=[...]"),
        ("halves", "settings={...}"),
        ("flickr", "settings={...}"),
        ("presets", "config/runs/<dataset>-<preset>.yaml"),
        ("theory", "settings={theory: {...}}"),
    ],
)
def test_a_former_key_is_refused_with_the_present_one(key, instead):
    message = refused({"runs": ["digits-default"], key: {}})
    assert message.startswith(f'config key "{key}" ') and instead in message and "config/README.md" in message


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"sedes": [1]}, '"settings.sedes" is unknown; did you mean "settings.seeds"?'),
        (
            {"joint": {"trainig": {}}},
            '"settings.joint.trainig" is unknown; did you mean "settings.joint.train',
        ),
        ({"model": {}}, '"settings.model" is unknown; did you mean "settings.joint"?'),
        ({"reference_rows": {}}, '"settings.reference_rows" is unknown; did you mean "settings.baselines"?'),
        ({"dataset": "mini"}, '"settings.dataset" is unknown; known here: title, note, outputs,'),
        ({"zzz": 1}, '"settings.zzz" is unknown; known here: title, note, outputs,'),
        # A misspelt key before a wrong value.
        ({"copies": 5, "zzz": 1}, '"settings.zzz" is unknown; known here: title, note, outputs,'),
        (
            {"pathways": {"text": {}}},
            '"settings.pathways.text" for the run digits-default is unknown; known here: left or right.',
        ),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_known_one(over, said):
    assert f"config key {said}" in refused({"runs": ["digits-default"], "settings": over})


@pytest.mark.parametrize(
    ("over", "old", "new"),
    [
        ({"features": {"picture_size": 64}}, "features.picture_size", "features.image_size"),
        ({"features": {"phow": {"pictures": 9}}}, "features.phow.pictures", "features.phow.images"),
        ({"features": {"phow": {"per_picture": 9}}}, "features.phow.per_picture", "features.phow.per_image"),
        ({"data": {"folder": {"pictures": "mine"}}}, "data.folder.pictures", "data.folder.images"),
        (
            {"settings": {"pathways": {"image": {"transform": {"root": True}}}}},
            "settings.pathways.image.transform.root",
            "settings.pathways.image.transform.signed_sqrt",
        ),
        (
            {"settings": {"finetune": [{"carry_offset": True}]}},
            "settings.finetune[0].carry_offset",
            "settings.finetune[0].keep_offset",
        ),
        ({"settings": {"classifier": {"top": 9}}}, "settings.classifier.top", "settings.classifier.k"),
        (
            {"settings": {"predicted_tags": {"tops": [9]}}},
            "settings.predicted_tags.tops",
            "settings.predicted_tags.ks",
        ),
    ],
)
def test_a_renamed_key_is_refused_with_its_new_name(over, old, new):
    said = refused({"runs": ["digits-default"], **over})
    assert f'config key "{old}" is unknown; did you mean "{new}"?' in said


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("run_", '"run_" is unknown; did you mean "run"?'),
        ("training", '"training" is unknown; did you mean "settings.joint.training"'),
        ("zzz", '"zzz" is unknown; known here: runs, preset, run, settings, data, features, mirror,'),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(key, said):
    assert f"config key {said}" in refused({"runs": ["digits-default"], key: 1})


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("joint.training.learning_rate", 0, "is 0.0, but must be a number, greater than 0."),
        ("joint.training.learning_rate", "fast", 'is "fast", but must be a number, greater than'),
        ("joint.training.l2", float("nan"), "is nan, but must be a finite number."),
        ("joint.training.epochs", 2.5, "is 2.5, but must be a whole number, at least 1."),
        ("joint.training.epochs", 10**18, "but must be a whole number, at least 1, at most 1000000000."),
        ("joint.training.epochs", 10**310, "is inf, but must be a finite number."),
        ("joint.training.l2", -(10**310), "is -inf, but must be a finite number."),
        ("outputs", ["t" * 300], f'is "{"t" * 57}...", but must be one of table1,'),
        ("joint.training.momentum.final", 1, "is 1.0, but must be a number, at least 0, less than 1"),
        ("methods.mp.reveal", 1.5, "is 1.5, but must be a number, at least 0, at most 1."),
        ("methods.mp.sparsity.kind", "l1", 'is "l1", but must be one of none or exact'),
        (
            "methods.mp.sparsity.kind",
            "approximate",
            "one of none or exact: the method keeps no running mean.",
        ),
        ("methods.hybrid.sparsity.kind", "approximate", "one of none or exact: the method keeps no running"),
        ("compare", ["ml"], f"but must be one of {', '.join(list(METHODS)[:-1])} or {list(METHODS)[-1]}."),
        ("splits", [], "is [], but must be a list, of length at least 1."),
        ("finetune_from", "ml", "or null."),
        ("finetune_from", "cca", "or null."),
        ("joint", 3, "is 3, but must be a mapping."),
        ("seeds", [1, 1], "is [1, 1], but must not hold a value twice."),
        ("seeds", [-1], "is -1, but must be a whole number, at least 0"),
        ("seeds", [2**64], "but must be a whole number, at least 0, at most 18446744073709551615."),
        ("seeds", True, "is True, but must be a list"),
        ("outputs", ["table5"], 'is "table5", but must be one of table1, figure2,'),
        ("features.image_size", 16, "is 16, but must be a whole number, at least 64."),
        ("features.name", "raw", "and not raw, logs, benchmarks or card"),
        ("data.mini.labelled", 0, "is 0, but must be a whole number, at least 1."),
        ("run", "../elsewhere", "but must be text or empty (null), made of letters"),
        ("run", "quick\n", 'is "quick\\n", but must be text or empty (null), made of letters'),
        ("run", "x" * 101, "of length at most 100."),
        ("runs", [], "is [], but must be a list or a mapping, of length at least 1."),
        ("runs", ["digits-default", "digits-default"], "must not hold a value twice."),
        ("runs", "digits-default", 'is "digits-default", but must be a list or a mapping'),
    ],
)
def test_a_wrong_value_is_refused_with_its_path_and_what_is_allowed(path, value, said):
    top = path.split(".")[0] in ("features", "data", "run", "runs")
    path = path if top else f"settings.{path}"
    message = refused({"runs": ["mini-default"]} | nested(path, value))
    assert message.startswith(f'config key "{path}') and said in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            {"extends": "good", "joint": {"hiden": 5}},
            '"joint.hiden" in {path} is unknown; did you mean "joint.hi',
        ),
        ({"extends": "good", "joint": {"hidden": -5}}, '"joint.hidden" in {path} is -5, but must be'),
        (
            {"extends": "god"},
            '"extends" in {path} names "god", but {folder} has no such run file; did you mean',
        ),
        ({"extends": "bad"}, '"extends" leads in a circle, from bad to bad, in {folder}; end it.'),
        ({"extends": ["good"]}, '"extends" in {path} names "[\'good\']", but {folder} has no such run file'),
    ],
)
def test_a_mistake_in_a_run_file_is_told_with_its_name(tmp_path, content, said):
    good = {"extends": "reference-mnist", "seeds": [1]}
    base = yaml.safe_load((FOLDER / "reference-mnist.yaml").read_text())
    folder = written(tmp_path, **{"reference-mnist": base, "good": good, "bad": content})
    expected = said.format(path=folder / "bad.yaml", folder=folder)
    assert f"config key {expected}" in refused({"runs": ["bad"]}, folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no mapping of settings"),
        ("- 1", "holds no mapping of settings"),
        ("joint: {hidden: ", "cannot be read as YAML"),
        ("title: 2026-13-45", "cannot be read as YAML (month must be in 1..12); mend it."),
        (f"title: {'9' * 5000}", "cannot be read as YAML (Exceeds the limit"),
        ("joint: &joint {up: *joint}", "cannot be read as YAML (maximum recursion depth exceeded"),
        ("joint:\n  down: 1\n  down: 2\n", 'has the key "down" twice in the mapping from line 2 on.'),
        ("dataset: cifar", 'has the data set "cifar", but must have one of '),
        ("seeds: [1]", 'must have the key "dataset" or the key "extends", a run to take it from.'),
        ("{dataset: mini, theory: {}}", 'has both "dataset" and "theory", but must have one of them.'),
    ],
)
def test_a_file_that_is_no_run_is_refused_with_its_name(tmp_path, content, said):
    folder = written(tmp_path, bad=content)
    message = refused({"runs": ["bad"]}, folder)
    assert message.startswith(str(folder / "bad.yaml")) and said in message


def test_a_circle_of_run_files_is_refused_whatever_its_length(tmp_path):
    folder = written(tmp_path, a={"extends": "b"}, b={"extends": "c"}, c={"extends": "b"})
    assert "from b to c to b, in" in refused({"runs": ["a"]}, folder)


def test_a_run_without_what_has_no_default_is_refused():
    message = refused({"runs": {"mine": {"dataset": "mini", "outputs": ["features"]}}})
    assert message.startswith('config key "runs.mine.') and "must be set, or come from a run file" in message
    assert refused({}) == 'config key "runs" must be set.'


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({"runs": ["mini-defalt"]}, '"runs" names "mini-defalt", but .*; did you mean "mini-default"'),
        ({"runs": ["../config/runs/theory"]}, 'names "../config/runs/theory", but .* has no such run file'),
        ({"runs": ["a\nb"]}, r'names "a\\nb", but .* has no such run file'),
        ({"runs": {"mine": 3}}, '"runs.mine" is 3, but must be a mapping'),
        ({"runs": {"mine": {"extends": "x"}}}, '"runs.mine.extends" names "x", but'),
        ({"runs": {"mine": {"seeds": [1]}}}, '"runs.mine" must have the key "dataset" or the key "extends"'),
        (
            {"runs": {"a\n": {"extends": "mini-default"}}},
            r'"runs.a\\n.name" is "a\\n", but must be text, made',
        ),
        (
            {"runs": {"a": {"extends": "theory", "name": "b"}}},
            '"runs.a.name" is "b", but must be "a" or left',
        ),
        ({"runs": {"theory": {"extends": "digits-default"}}}, "the name is kept for the theory"),
        ({"runs": {"a": {"extends": "theory", "outputs": ["table1"]}}}, '"runs.a.outputs" has table1, but'),
        ({"runs": ["mnist-fast"], "preset": "fst"}, '"preset" is "fst", but .* did you mean "fast"'),
        (
            {"runs": ["mnist-fast"], "preset": "z"},
            "has no such form of mnist; known here: better, fast or paper",
        ),
        (
            {"runs": ["mnist-fast", "mini-default"], "preset": "paper"},
            "has no such form of mini; known here: default",
        ),
        ({"runs": ["mnist-fast", "mnist-better"], "preset": "paper"}, "makes mnist-paper of several"),
        ({"runs": ["theory"], "preset": "paper"}, 'none of the "runs" has a data set'),
        ({"runs": {"mini-default": {}}, "preset": "paper"}, '"preset" is "paper", but "runs" holds runs'),
        ({"runs": ["mnist-fast", "mini-default"], "run": "a"}, '"run" is "a", a name for one run, but'),
        ({"runs": ["theory"], "run": "a"}, '"runs" has none with a data set'),
        ({"runs": ["mnist-fast"], "run": "theory"}, "the name is kept for the theory"),
        ({"runs": ["mnist-fast", "theory"], "run": "theory"}, "is the name of another run"),
    ],
)
def test_mistaken_choices_of_runs_are_refused(raw, sentence):
    with pytest.raises(ConfigError, match=sentence):
        resolved(raw)


def test_features_that_come_with_the_data_are_one_store_whatever_their_name():
    other = {"extends": "toronto-archive", "features": {"name": "exact", "precision": "float32"}}
    with pytest.raises(
        ConfigError, match='"runs.a.features" and "runs.b.features" differ, but toronto has one'
    ):
        resolved({"runs": {"a": {"extends": "toronto-archive"}, "b": other}})


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"data": {"labelled": 900}}, '"runs.a.data" and "runs.b.data" differ, .* one data set, mini'),
        ({"card": {"sheet": 3}}, '"runs.a.card" and "runs.b.card" differ, .* one data set, mini'),
        ({"features": {"batch": 7}}, '"runs.a.features" and "runs.b.features" differ, .* name descriptors'),
        (
            {"features": {"kind": "network", "name": "descriptors"}, "baselines": {"inputs": ["image"]}},
            '"runs.b.features.name" is "descriptors", but must not be that of another kind',
        ),
    ],
)
def test_runs_that_would_fight_for_a_store_are_refused(other, sentence):
    runs = {"a": {"extends": "mini-default"}, "b": {"extends": "mini-default", **other}}
    with pytest.raises(ConfigError, match=sentence):
        resolved({"runs": runs})


MP = {"name": "a", "title": "A", "layers": 1, "iterations": 3}


@pytest.mark.parametrize(
    ("run", "raw", "sentence"),
    [
        ("digits-default", {"settings": {"classifier": {"C": [1, 0.1]}}}, 'classifier.C" is .* must ascend'),
        (
            "digits-default",
            {"data": {"digits": {"validation": 0.6, "test": 0.6}}},
            "their sum must be less than 1",
        ),
        (
            "digits-default",
            {"settings": {"methods": {"pcd": {"gibbs_steps": {"start": 15}}}}},
            'must not exceed "runs.digits-default.methods.pcd.gibbs_steps.maximum", which is 1',
        ),
        (
            "mini-default",
            {"data": {"mini": {"splits": {"train": 0.7, "validation": 0.3}}}},
            '"data.mini.splits.train" and "data.mini.splits.validation" are 0.7 and 0.3, .* for test',
        ),
        ("mini-default", {"settings": {"splits": [1, 6]}}, "number of splits of mini, which is 5"),
        ("digits-default", {"settings": {"splits": [2]}}, "number of splits of digits, which is 1"),
        (
            "mini-default",
            {"settings": {"joint": {"search": {"split": 9}}}},
            'joint.search.split" is 9, but must not exceed the number of splits of mini, which is 5',
        ),
        ("folder-own", {}, '"data.folder.images" must be set'),
        ("toronto-paper", {"settings": {"splits": [1, 9]}}, "splits of toronto, which is 5"),
        (
            "mini-default",
            {"data": {"mini": {"labelled": 2}}},
            '"data.mini.labelled" is 2, but must be enough',
        ),
        (
            "mirflickr25k-25k",
            {"data": {"mirflickr25k": {"splits": {"train": 1e-9}}}},
            '"data.mirflickr25k.images" is 25000, but must be enough',
        ),
        (
            "mini-default",
            {"data": {"mini": {"vocabulary": {"minimum_count": 4001}}}},
            'vocabulary.minimum_count" is 4001, but there are only 4000 images',
        ),
        ("mini-default", {"features": {"kind": "network"}}, 'baselines.inputs" has gist, .* or phow, but'),
        (
            "toronto-paper",
            {"settings": {"baselines": {"inputs": ["phow", "gist"]}}},
            'baselines.inputs" has gist, but',
        ),
        (
            "digits-default",
            {"settings": {"baselines": {"inputs": ["left"]}}},
            'baselines.inputs" has left, but .* raw_own or raw_filled',
        ),
        ("mini-default", {"features": {"phow": {"scales": [4, 50]}}}, "none greater than 31"),
        ("mini-default", {"features": {"gist": {"stride": 40}}}, "at most 24, a quarter of"),
        ("mini-default", {"settings": {"copies": 4}}, '.copies" is 4, but must be 0: the store of mini'),
        (
            "mini-default",
            {"settings": {"classifier": {"copies": 8}}},
            'classifier.copies" is 8, but must be 0',
        ),
        (
            "mini-default",
            {"settings": {"pathways": {"image": {"transform": {"kind": "counts"}}}}},
            'pathways.image.transform.kind" .*is "counts", but must be one of standardise',
        ),
        (
            "mini-default",
            {"settings": {"pathways": {"text": {"transform": {"kind": "standardise"}}}}},
            'pathways.text.transform.kind" .*is "standardise", but must be one of binarise or counts',
        ),
        (
            "mini-default",
            {
                "settings": {
                    "pathways": {"text": {"transform": {"kind": "counts"}, "layers": [{"method": "pcd"}]}}
                }
            },
            'pathways.text.layers" has a first layer of method pcd, but must have cd',
        ),
        (
            "mini-default",
            {"settings": {"finetune_from": None}},
            'finetune_from" is null, but must be one of pcd',
        ),
        (
            "mini-default",
            {"settings": {"finetune": [{"layers": 1}]}},
            r'finetune\[0\].name" must be set, or come from',
        ),
        (
            "mini-default",
            {"settings": {"finetune": [MP, MP]}},
            'finetune" has the name a, but must have a name of its own for each stage',
        ),
        (
            "mini-default",
            {"settings": {"finetune": [{**MP, "name": "mp"}]}},
            'finetune" has the name mp, .* none of them that of a method',
        ),
        (
            "toronto-paper",
            {"settings": {"finetune": [MP]}},
            'finetune" ends with 1 layers, but must end with the whole network, 2 layers',
        ),
        (
            "mini-default",
            {"settings": {"sweep": {"iterations": [0, 3], "trained": [0, 4]}}},
            'sweep.iterations" lacks 4, but must have every number',
        ),
        # The last stage's own number.
        (
            "mini-default",
            {"settings": {"sweep": {"iterations": [0, 4], "trained": [0, 4]}}},
            'sweep.iterations" lacks 3, but must have every number',
        ),
        (
            "mini-default",
            {"settings": {"gallery": {"queries": 7, "on_page": 6}}},
            'gallery.queries" is 7, but must not exceed "runs.mini-default.gallery.on_page", which is 6',
        ),
        ("toronto-paper", {"settings": {"outputs": ["card"]}}, 'outputs" has card, which needs images'),
        (
            "mini-default",
            {"settings": {"outputs": ["model"], "finetune": []}},
            'outputs" has model, which needs a finetuned network or a joint layer on the inputs themselves',
        ),
        (
            "digits-default",
            {"settings": {"outputs": ["table1"], "compare": []}},
            'outputs" has table1, which needs a method, and "runs.digits-default.compare" is empty',
        ),
        (
            "mini-default",
            {
                "settings": {
                    "outputs": ["ablation"],
                    "compare": ["cca"],
                    "finetune": [],
                    "finetune_from": None,
                }
            },
            'outputs" has ablation, which needs a joint layer, and "runs.mini-default.compare" has none',
        ),
        (
            "mini-default",
            {"settings": {"classifier": {"chosen_by": "voc"}}},
            'chosen_by" is "voc", but must be a metric of mini, interpolated, noninterpolated or step',
        ),
        (
            "digits-default",
            {"settings": {"outputs": ["theory"]}},
            'outputs" has theory, which needs the theory',
        ),
        (
            "mini-default",
            {"settings": {"baselines": {"inputs": []}}},
            'outputs" has reference, which needs inputs',
        ),
    ],
)
def test_values_wrong_together_are_refused_before_any_job(run, raw, sentence):
    with pytest.raises(ConfigError, match=sentence):
        resolved({"runs": [run], **raw})


@pytest.mark.parametrize(
    "over",
    [
        {"gallery": {"queries": 6, "on_page": 6}},
        {
            "pathways": {
                "text": {"transform": {"kind": "counts"}, "layers": [{"method": "cd"}, {"method": "pcd"}]}
            },
            "finetune": [{**MP, "layers": 2}],
        },
        {"finetune": [{**MP, "name": "a"}, {**MP, "name": "b"}]},
        {"sweep": {"iterations": [3], "trained": []}},
        {"seeds": [0, 2**64 - 1]},
    ],
)
def test_values_at_the_edge_of_what_goes_together_are_taken(over):
    assert one("mini-default", **over)


def test_every_data_set_has_a_run_file():
    assert {one(name).get("dataset") for name in FILES} - {None} == set(DATASETS)
