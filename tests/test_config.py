# SPDX-License-Identifier: MIT
"""The configuration: what is shipped is valid, what is mistaken is refused in one helpful sentence."""

import json
from pathlib import Path

import pytest
import yaml

from mvi.errors import ConfigError
from mvi.methods.registry import METHODS, build
from mvi.workflow.config import merge, resolve

ROOT = Path(__file__).parents[1]


def shipped():
    """Every shipped configuration with each of its presets, as Snakemake would lay the files together."""
    base = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    for file in sorted((ROOT / "config").glob("*.yaml")):
        own = yaml.safe_load(file.read_text())
        for preset in own["presets"]:
            whole = merge(base, own) | {"preset": preset}
            yield pytest.param(whole, id=f"{file.stem}-{preset}")


@pytest.mark.parametrize("raw", list(shipped()))
def test_shipped_configurations_are_valid(raw):
    config = resolve(raw)
    assert config["run"] == f"{raw['dataset']}-{raw['preset']}"
    for method in config["halves"]["compare"]:
        build(method, config["halves"]["methods"][method])
    for method, settings in config["theory"]["training"]["methods"].items():
        build(method, settings)


def test_defaults_are_the_reference_code_s():
    halves = resolve({})["halves"]
    training, methods = halves["training"], halves["methods"]
    assert halves["model"]["hidden"] == 1000
    assert (training["epochs"], training["batch_size"]) == (300, 100)
    assert (training["learning_rate"], training["decay"], training["l2"]) == (0.01, 0.005, 1e-4)
    assert training["momentum"] == {"initial": 0.33, "final": 0.47, "change_after": 5}
    assert methods["pcd"]["sparsity"] == {
        "kind": "approximate",
        "weight": 0.3,
        "target": 0.05,
        "damping": 0.9,
    }
    assert methods["mp"]["bptt_depth"] == {"start": 1, "step": 1, "every": 20, "maximum": 5}
    assert (methods["mp"]["reveal"], methods["hybrid"]["reveal"]) == (0.25, 0.1)
    assert list(halves["inference"]["iterations"].values()) == [10, 10, 5, 5]


def test_every_method_can_be_configured():
    assert list(resolve({})["halves"]["methods"]) == list(METHODS)


def test_what_is_written_wins_over_the_preset_and_the_preset_over_the_defaults():
    raw = {
        "preset": "mine",
        "presets": {"mine": {"seeds": [4, 5], "halves": {"training": {"epochs": 7, "l2": 0.5}}}},
        "halves": {"training": {"epochs": 9}},
    }
    config = resolve(raw)
    training = config["halves"]["training"]
    assert (config["seeds"], training["epochs"], training["l2"]) == ([4, 5], 9, 0.5)
    assert training["batch_size"] == 100
    assert config["run"] == "digits-mine"


def test_what_a_method_changes_in_the_schedule_is_not_filled_up():
    config = resolve({"halves": {"training_of": {"mp": {"epochs": 5}}}})
    assert config["halves"]["training_of"] == {"mp": {"epochs": 5}}
    merged = merge(config["halves"]["training"], config["halves"]["training_of"]["mp"])
    assert merged == config["halves"]["training"] | {"epochs": 5}
    assert list(merged) == list(config["halves"]["training"])


def test_a_resolved_configuration_resolves_to_itself():
    config = resolve({"preset": "mine", "presets": {"mine": {"seeds": [3]}}})
    again = resolve(yaml.safe_load(yaml.safe_dump(config)))
    assert json.dumps(again) == json.dumps(config)


def test_the_order_of_keys_and_the_way_of_writing_numbers_do_not_matter():
    one = {"halves": {"training": {"l2": 1, "epochs": 5}}, "seeds": [1]}
    other = {"seeds": [1.0], "halves": {"training": {"epochs": 5.0, "l2": "1e0"}}}
    assert json.dumps(resolve(one)) == json.dumps(resolve(other))


def test_truth_values_and_null_may_come_as_text():
    # Snakemake gives what stands in braces after --config so.
    def asked(yes, nothing):
        image = {"transform": {"root": yes}}
        return {"seeds_together": yes, "flickr": {"pathways": {"image": image}}, "preset": nothing}

    assert json.dumps(resolve(asked("true", "null"))) == json.dumps(resolve(asked(True, None)))
    assert resolve(asked("True", "null"))["flickr"]["pathways"]["image"]["transform"]["root"] is True
    assert resolve(asked("false", "null"))["seeds_together"] is False
    # A string stays one.
    assert resolve({"run": "true"})["run"] == "true"


def test_the_input_is_left_alone():
    raw = {"preset": "p", "presets": {"p": {"seeds": [1]}}, "halves": {"training": {"l2": "1e-3"}}}
    before = json.dumps(raw)
    resolve(raw)["halves"]["training"]["momentum"]["initial"] = 0.9
    assert json.dumps(raw) == before
    assert resolve(raw)["halves"]["training"]["momentum"]["initial"] == 0.33


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"sedes": [1]}, '"sedes" is unknown; did you mean "seeds"?'),
        (
            {"halves": {"trainig": {}}},
            '"halves.trainig" is unknown; did you mean "halves.training"?',
        ),
        (
            {"epochs": 3},
            '"epochs" is unknown; did you mean "features.phow.epochs", "halves.training.epochs" or "theory.t',
        ),
        (
            {"presets": {"mine": {"halves": {"modle": {}}}}},
            '"presets.mine.halves.modle" is unknown; did you mean "presets.mine.halves.model"?',
        ),
        ({"zzz": 1}, '"zzz" is unknown; known here: dataset, preset, experiments,'),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(raw, said):
    with pytest.raises(ConfigError) as caught:
        resolve(raw)
    assert f"config key {said}" in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("halves.training.learning_rate", 0, "is 0.0, but must be a number, greater than 0."),
        ("halves.training.learning_rate", "fast", 'is "fast", but must be a number, greater than'),
        ("halves.training.l2", float("nan"), "is nan, but must be a finite number."),
        ("halves.training.epochs", 2.5, "is 2.5, but must be a whole number, at least 1."),
        ("halves.training.momentum.final", 1, "is 1.0, but must be a number, at least 0, less than 1"),
        ("halves.methods.mp.reveal", 1.5, "is 1.5, but must be a number, at least 0, at most 1."),
        ("halves.methods.mp.sparsity.kind", "l1", 'is "l1", but must be one of none, exact or appr'),
        ("halves.compare", ["ml"], "but must be one of pcd, cd_percloss, mp or hybrid."),
        ("halves.compare", [], "is [], but must be a list, of length at least 1."),
        ("halves", 3, "is 3, but must be a mapping."),
        ("halves.methods.pcd.gibbs_steps.start", 15, 'must not exceed "halves.methods.pcd.gibbs_step'),
        ("seeds", [1, 1], "is [1, 1], but must not hold a value twice."),
        ("seeds", [-1], "is -1, but must be a whole number, at least 0."),
        ("seeds", True, "is True, but must be a list"),
        ("dataset", "cifar", 'is "cifar", but must be one of digits or mnist.'),
        ("flickr.dataset", "flicker", 'is "flicker", but must be one of mini, mirflickr25k, toronto or fold'),
        ("features.picture_size", 16, "is 16, but must be a whole number, at least 64."),
        ("flickr.run", "../elsewhere", "but must be text or empty (null), made of letters"),
        ("run", "../elsewhere", "but must be text or empty (null), made of letters"),
        ("preset", "fst", 'names "fst", which is not under presets; known here: none.'),
    ],
)
def test_a_wrong_value_is_refused_with_its_path_and_what_is_allowed(path, value, said):
    raw = value
    for key in reversed(path.split(".")):
        raw = {key: raw}
    with pytest.raises(ConfigError) as caught:
        resolve(raw)
    message = str(caught.value)
    assert message.startswith(f'config key "{path}') and said in message
    assert "\n" not in message


def test_a_preset_of_another_data_set_is_refused():
    raw = {"dataset": "mnist", "preset": "p", "presets": {"p": {"dataset": "digits"}}}
    with pytest.raises(ConfigError, match='"p" is for the data set digits, not for mnist'):
        resolve(raw)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({"halves": {"classifier": {"C": [1, 0.1]}}}, '"halves.classifier.C" is .* must ascend'),
        ({"data": {"digits": {"validation": 0.6, "test": 0.6}}}, "their sum must be less than 1"),
        (
            {"halves": {"methods": {"mp": {"sparsity": {"kind": "approximate"}}}}},
            '"halves.methods.mp.sparsity.kind" is "approximate", but must be one of none or exact',
        ),
        ({"run": "theory"}, '"run" is "theory", but must be'),
        (
            {"data": {"mini": {"splits": {"train": 0.7, "validation": 0.3}}}},
            '"data.mini.splits.train" and "data.mini.splits.validation" are 0.7 and 0.3, .* for test',
        ),
        ({"flickr": {"splits": [1, 6]}}, "number of splits of mini, which is 5"),
        (
            {"flickr": {"joint": {"search": {"split": 9}}}},
            '"flickr.joint.search.split" is 9, but must not exceed the number of splits of mini, which is 5',
        ),
        ({"flickr": {"dataset": "folder"}}, '"data.folder.pictures" must be set'),
        ({"flickr": {"dataset": "toronto", "splits": [1, 9]}}, "splits of toronto, which is 5"),
        ({"data": {"mini": {"labelled": 2}}}, '"data.mini.labelled" is 2, but must be enough'),
        ({"features": {"kind": "cnn"}}, '"flickr.reference_rows.inputs" has gist, .* or phow, but'),
        (
            {"flickr": {"dataset": "toronto", "reference_rows": {"inputs": ["phow", "gist"]}}},
            '"flickr.reference_rows.inputs" has gist, but',
        ),
        ({"features": {"phow": {"scales": [4, 50]}}}, "none greater than 42"),
        ({"features": {"gist": {"stride": 40}}}, "at most 32, a quarter of"),
        ({"run": "a", "flickr": {"run": "a"}}, '"flickr.run" are both "a", but must differ'),
        ({"experiments": ["deep"]}, '"experiments" has deep without flickr, but must have both'),
        (
            {"flickr": {"pathways": {"image": {"transform": {"kind": "counts"}}}}},
            '"flickr.pathways.image.transform.kind" is "counts", but must be standardise',
        ),
        (
            {"flickr": {"pathways": {"text": {"transform": {"kind": "standardise"}}}}},
            '"flickr.pathways.text.transform.kind" is "standardise", but must be binarise or counts',
        ),
        (
            {
                "flickr": {
                    "pathways": {"text": {"transform": {"kind": "counts"}, "layers": [{"method": "pcd"}]}}
                }
            },
            '"flickr.pathways.text.layers" has a first layer of method pcd, but must have cd',
        ),
        (
            {"flickr": {"finetune": [{"name": "a", "title": "A", "layers": 2}] * 2}},
            '"flickr.finetune" has the name a, but must have a name of its own for each stage',
        ),
        (
            {"flickr": {"finetune": [{"name": "mp", "title": "A", "layers": 2}]}},
            '"flickr.finetune" has the name mp, .* none of them that of an objective',
        ),
        (
            {"flickr": {"finetune": [{"name": "a", "title": "A", "layers": 1}]}},
            '"flickr.finetune" ends with 1 layers, but must end with the whole network, 2 layers',
        ),
        (
            {"flickr": {"sweep": {"iterations": [0, 10], "trained": [0, 4]}}},
            '"flickr.sweep.iterations" lacks 4, but must have every number',
        ),
        # The last stage's own number.
        (
            {"flickr": {"sweep": {"iterations": [0, 4], "trained": [0, 4]}}},
            '"flickr.sweep.iterations" lacks 10, but must have every number',
        ),
        (
            {"flickr": {"joint": {"methods": {"mp": {"sparsity": {"kind": "approximate"}}}}}},
            '"flickr.joint.methods.mp.sparsity.kind" is "approximate", but must be one of none or exact',
        ),
        (
            {"flickr": {"gallery": {"queries": 7, "on_page": 6}}},
            '"flickr.gallery.queries" is 7, but must not exceed "flickr.gallery.on_page", which is 6',
        ),
    ],
)
def test_values_wrong_together_are_refused_before_any_job(raw, sentence):
    with pytest.raises(ConfigError, match=sentence):
        resolve(raw)


@pytest.mark.parametrize(
    "flickr",
    [
        {"gallery": {"queries": 6, "on_page": 6}},
        {
            "pathways": {
                "text": {"transform": {"kind": "counts"}, "layers": [{"method": "cd"}, {"method": "pcd"}]}
            }
        },
        {"finetune": [{"name": "a", "title": "A", "layers": 1}, {"name": "b", "title": "A", "layers": 2}]},
        {"sweep": {"iterations": [10], "trained": []}},
    ],
)
def test_values_at_the_edge_of_what_goes_together_are_taken(flickr):
    assert resolve({"flickr": flickr})
