# SPDX-License-Identifier: MIT
"""What the rules ask of a resolved config: names of files, settings of jobs, what a target is made of."""

from pathlib import Path
from pkgutil import resolve_name

import pytest

from mvi.data.sets.base import ERROR_RATE, MEAN_AVERAGE_PRECISION
from mvi.errors import ConfigError
from mvi.evaluation.logistic_classifier import Logistic
from mvi.evaluation.svm_classifier import Svm
from mvi.methods.registry import METHODS
from mvi.workflow import results
from mvi.workflow.config import merge, resolve
from mvi.workflow.plan import EXPERIMENTS, Plan, check_mirror, hash_of_download, network_weights

FOLDER = Path(__file__).parents[1] / "config/runs"
# As many unlabelled rows as training rows, from which all splits learn; and too few.
SOME, FEW = ({"labelled": 100, "unlabelled": count, "splits": {"train": 0.4}} for count in (40, 39))
LAYER = {"hidden": 5, "training": {"epochs": 1}}
DEEP = {
    "pathways": {"image": {"layers": [LAYER, LAYER]}, "text": {"layers": [LAYER]}},
    "finetune": [
        {"name": "upper", "title": "upper layers", "layers": 1, "iterations": 4},
        {"name": "whole", "title": "whole network", "layers": 2, "iterations": 3},
    ],
    "finetune_from": "mp",
    "sweep": {"trained": [0]},
}


def plan(runs, **config):
    """The plan of shipped runs, or of a mapping of runs."""
    return Plan(resolve({"runs": runs, **config}, FOLDER))


def a_run(name, *overs, **over):
    """A run that extends a shipped one."""
    own = {"extends": name}
    for more in (*overs, over):
        own = merge(own, more)
    return plan({"x": own}).runs["x"]


def of_mini(*overs, **over):
    return a_run("mini-default", DEEP, *overs, **over)


def names(run):
    return [part.name for part in run.parts]


# -- what a training learns from ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("run", "over", "expected"),
    [
        (
            "digits-default",
            {"seeds": [4, 7]},
            [("seed4", "split1", 4, 1, (1,)), ("seed7", "split1", 7, 1, (1,))],
        ),
        ("mini-default", {"data": SOME, "splits": [2, 3]}, [("unlabelled", "unlabelled", 0, 1, (2, 3))]),
        (
            "mini-default",
            {"data": FEW, "splits": [2, 3], "seeds": [5]},
            [("split2", "split2", 5, 2, (2,)), ("split3", "split3", 5, 3, (3,))],
        ),
        (
            "mini-default",
            {"data": {**SOME, "splits": {"count": 1, "train": 0.4}}, "splits": [1], "seeds": [0, 1]},
            [(f"unlabelled-seed{seed}", "unlabelled", seed, 1, (1,)) for seed in (0, 1)],
        ),
        (
            "mini-default",
            {"data": {**FEW, "splits": {"count": 1, "train": 0.4}}, "splits": [1], "seeds": [0, 1]},
            [(f"seed{seed}", "split1", seed, 1, (1,)) for seed in (0, 1)],
        ),
    ],
)
def test_a_part_is_named_by_what_it_learns_from_and_its_seed(run, over, expected):
    run = a_run(run, over)
    assert [(part.name, part.rows, part.seed, part.split, part.splits) for part in run.parts] == expected
    for part in run.parts:
        assert run.part(part.name) == part and run.scale(part.name) == run.file(
            f"inputs/{part.rows}.safetensors"
        )
        assert (run.seed(part.name), run.split(part.name)) == (part.seed, part.split)
    with pytest.raises(ConfigError, match=f"run x has no part 'split9'; it has {', '.join(names(run))}"):
        run.part("split9")


def test_scores_tell_seeds_where_tables_are_over_seeds():
    assert a_run("digits-default", seeds=[4]).evaluated("every") == [
        {"name": "seed4", "seed": 4, "splits": [1]}
    ]
    assert of_mini(data=SOME, splits=[1, 3]).evaluated("unlabelled") == [
        {"name": "unlabelled", "seed": None, "splits": [1, 3]}
    ]


def test_evaluations_are_batched_where_the_run_says_so_and_nothing_stands_below():
    together = a_run("digits-default", seeds=[4, 7])
    assert together.batches == ["every"] and together.part_names("every") == ["seed4", "seed7"]
    each = a_run("digits-default", seeds=[4, 7], seeds_together=False)
    assert each.batches == ["seed4", "seed7"] and each.part_names("seed7") == ["seed7"]
    # Parts on pathways stand on layers of their own.
    assert of_mini(data=FEW, splits=[1, 2], seeds_together=True).batches == ["split1", "split2"]
    assert together.scores("classify", ["mp"]) == ["results/x/scores/classify/mp/every.csv"]


# -- files of training ----------------------------------------------------------------------------------


def test_a_layer_stands_on_those_below_it_and_a_joint_layer_on_all():
    run = of_mini(data=FEW | {"labelled": 1000, "unlabelled": 390}, splits=[2])
    folder = "results/x/pretrain"
    assert run.layers_below("image", "1", "split2") == []
    assert run.layers_below("image", "2", "split2") == [f"{folder}/image1/split2.safetensors"]
    assert run.joint_inputs("mp", "split2") == {
        "image": [f"{folder}/image{level}/split2.safetensors" for level in (1, 2)],
        "text": [f"{folder}/text1/split2.safetensors"],
        "store": "results/data/mini/descriptors/store.h5",
        "scale": "results/x/inputs/split2.safetensors",
    }
    halves = a_run("digits-default").joint_inputs("mp", "seed1")
    assert halves == {
        **{"left": [], "right": [], "store": "results/data/digits/store.h5"},
        "scale": "results/x/inputs/split1.safetensors",
    }


def test_stages_follow_each_other_from_the_method_that_the_run_names():
    run = of_mini(data=FEW, splits=[1])
    assert run.network_before("upper", "split1") == "results/x/joint/mp/split1.safetensors"
    assert run.network_before("whole", "split1") == "results/x/finetune/upper/n4/split1.safetensors"
    three = of_mini(finetune=[DEEP["finetune"][0] | {"name": "top"}, *DEEP["finetune"]])
    assert "/upper/" in three.network_before("whole", "unlabelled")
    assert run.finished_network("split1") == run.weights("whole", "split1")
    assert run.weights("whole", "split1") == "results/x/finetune/whole/n3/split1.safetensors"
    assert run.weights("pcd", "split1") == "results/x/joint/pcd/split1.safetensors"
    assert (run.swept(), run.models) == ([0, 3], ["pcd", "cd_percloss", "mp", "upper", "whole"])
    assert run.exported() == ["results/x/finetune/split1.safetensors"]
    assert run.stage_settings("whole", "0")["iterations"] == 0
    assert "title" not in run.stage_settings("whole", "0")
    with pytest.raises(ConfigError, match="run x finetunes nothing"):
        _ = a_run("digits-default").last_stage


@pytest.mark.parametrize("source", ["mp", "pcd"])
def test_what_is_finetuned_does_not_depend_on_the_order_of_the_comparison(source):
    runs = [
        of_mini(finetune_from=source, compare=order)
        for order in (["pcd", "mp"], ["mp", "pcd"], ["mp", "pcd", "hybrid"])
    ]
    assert len({run.network_before("upper", "unlabelled") for run in runs}) == 1
    assert runs[0].network_before("upper", "unlabelled").endswith(f"joint/{source}/unlabelled.safetensors")
    assert all(METHODS[source].short in results.training(run)["finetuned_from"] for run in runs)


def test_methods_are_named_for_what_they_are_on_pathways():
    found = results.model_labels(of_mini(compare=["pcd", "mp", "dbm"]))
    assert found == {
        "pcd": "Multimodal DBN (joint layer by PCD)",
        "mp": "Joint layer by MP",
        "dbm": "Multimodal DBM",
        "upper": "MDRNN, upper layers",
        "whole": "MDRNN, whole network",
    }
    assert results.labels(["pcd", "mp"]) == {"pcd": "ML (PCD)", "mp": "MinVI (MP)"}


def test_a_method_without_representation_is_scored_and_neither_trained_nor_encoded():
    run = of_mini(compare=["mp", "tagprop"], data=SOME, splits=[1, 2])
    assert (run.compared, run.scored) == (["mp"], ["tagprop"])
    assert "results/x/scores/classify/tagprop/unlabelled.csv" in results.table_inputs(run, "table2")
    assert results.table_settings(run, "table2")["scored"] == {"tagprop": "TagProp"}
    others = [*results.table_inputs(run, "retrieval"), *run.trained_metrics(), *run.trial_files()]
    assert not any("tagprop" in path for path in others)
    assert run.score_inputs("unlabelled")["scales"] == [run.scale("unlabelled")]
    assert run.score_settings("tagprop").keys() == {
        *METHODS["tagprop"].settings,
        "chosen_by",
        "k",
        "metrics",
    }
    with pytest.raises(ConfigError, match="has tagprop, which scores several labels a row, but digits"):
        a_run("digits-default", compare=["pcd", "tagprop"])


def test_every_training_has_metrics():
    files = of_mini(data=FEW, splits=[1], compare=["mp", "pcd"]).trained_metrics()
    assert sorted(files) == [
        f"results/x/{name}/split1.csv"
        for name in [
            *("finetune/upper/n4", "finetune/whole/n3", "joint/mp", "joint/pcd"),
            *("pretrain/image1", "pretrain/image2", "pretrain/text1"),
        ]
    ]


# -- settings -------------------------------------------------------------------------------------------


def test_a_method_lays_its_schedule_over_that_of_all():
    run = a_run("digits-default", joint={"training": {"epochs": 9}, "training_of": {"mp": {"l2": 0.5}}})
    common = run.schedule("pcd")
    assert common == run.settings["joint"]["training"] and common["epochs"] == 9
    assert run.schedule("mp") == common | {"l2": 0.5, "learning_rate": 0.2}


def test_iterations_are_those_of_the_model():
    digits = a_run("digits-default", inference={"iterations": {"pcd": 11}})
    assert [digits.inference(name)["iterations"] for name in ("pcd", "mp")] == [11, 5]
    mini = of_mini(inference={"iterations": 7, "start_state": "zeros"})
    assert mini.inference("whole") == {"iterations": 7, "tolerance": 1e-6, "start": "zeros", "stop": "row"}
    # A finetuned network is asked as the joint layer that it came from.
    by_method = of_mini(finetune_from="pcd", inference={"iterations": {"mp": 2, "pcd": 8}})
    assert [by_method.iterations(name) for name in ("mp", "pcd", "whole")] == [2, 8, 8]


def test_a_search_tries_each_rate_with_each_spread_and_every_method_alike():
    search = {"split": 2, "epochs": 6, "learning_rate": [0.1, 0.2, 0.3], "weight_std": [0.01, 0.02]}
    own = {"joint": {"search": search}, "data": FEW, "splits": [1], "compare": ["mp", "pcd"]}
    run = of_mini(own, rows={"parts": ["train"]})
    assert len(run.trials()) == 6 and len(run.trial_files()) == 12
    assert run.trial_files()[-1] == "results/x/search/pcd/trial6.csv"
    assert run.trials()[3] == {"weight_std": 0.02, "learning_rate": 0.1}
    assert run.trial_model("mp", "4") == run.joint_model("mp") | {"weight_std": 0.02}
    changed = {"learning_rate": 0.1, "epochs": 6}
    assert run.trial_schedule("mp", "4") == run.schedule("mp") | changed
    # The layers are those of the split that evaluates, of whatever splits the run has.
    assert run.search_inputs()["text"] == ["results/x/pretrain/text1/split2.safetensors"]
    assert run.split("split2") == 2 and run.search_seed() == run.settings["seeds"][0]


def test_settings_are_not_searched_on_rows_that_layers_know():
    knows = {"rows": {"parts": ["train", "validation"]}}
    with pytest.raises(ConfigError, match="Settings are chosen on validation rows"):
        of_mini(knows, data=FEW).trial_files()
    assert of_mini(knows, data=SOME).trial_files()


def test_a_classifier_gets_the_settings_of_its_kind():
    svm = a_run("digits-default", classifier={"C": [0.5, 2.0], "tolerance": 0.25})
    assert resolve_name(svm.classifier()) is Svm
    fields = {"grid": [0.5, 2.0], "tolerance": 0.25, "metrics": ERROR_RATE}
    assert svm.classifier_settings() == svm.baseline_settings() == fields
    own = {"lambda": [0.5], "k": 7, "chosen_by": "step", "tolerance": 0.25}
    logistic = a_run("mini-default", classifier=own, baselines={"lambda": [4.0], "k": 9})
    assert resolve_name(logistic.classifier()) is Logistic
    fields = {"grid": [0.5], "k": 7, "chosen_by": "step", "tolerance": 0.25}
    assert logistic.classifier_settings() == fields | {"metrics": MEAN_AVERAGE_PRECISION}
    # By the headline, unless told otherwise.
    others = {"grid": [4.0], "k": 9, "chosen_by": "interpolated", "tolerance": 0.001}
    assert logistic.baseline_settings() == others | {"metrics": MEAN_AVERAGE_PRECISION}


def test_copies_are_for_training_and_for_classifiers_each_as_asked():
    run = a_run("mnist-better", copies=4, classifier={"copies": 8})
    assert run.training_store("seed0") == "results/data/mnist/copies4.h5"
    assert (
        run.classifier_store
        == run.encode_inputs("hybrid", "seed0")["store"]
        == "results/data/mnist/copies8.h5"
    )
    assert run.store == run.labelled_store() == "results/data/mnist/store.h5"
    assert run.curve_inputs("hybrid")["store"] == run.completion_inputs("hybrid")["store"] == run.store


# -- data sets ------------------------------------------------------------------------------------------


def test_stores_of_images_stand_by_the_name_of_their_features():
    runs = {
        "a": {"extends": "mini-default"},
        "b": {"extends": "mini-default", "features": {"name": "small", "gist": {"stride": 4}}},
        "c": {"extends": "mini-default", "features": {"kind": "network"}, "baselines": {"inputs": ["text"]}},
    }
    made = plan(runs)
    stores = [run.store for run in made.runs.values()]
    assert stores == [
        f"results/data/mini/{name}/store.h5" for name in ("descriptors", "small", "efficientnet_lite0")
    ]
    assert made.features == ["descriptors", "small", "efficientnet_lite0"]
    assert {run.source.catalogue for run in made.runs.values()} == {"results/data/mini/catalogue.h5"}
    # What a job of these features asks is answered by a run that has them; of the images, by any.
    assert made.source("mini", "small").features["gist"]["stride"] == 4
    assert made.source("mini").data == made.source("mini", "efficientnet_lite0").data
    with pytest.raises(ConfigError, match="No run of this config has the data set mini with features large"):
        made.source("mini", "large")
    with pytest.raises(ConfigError, match="has the data set mnist"):
        made.source("mnist")


def test_images_are_described_in_blocks_by_words_or_by_a_network():
    small = {"data": SOME, "features": {"block": 60}, "baselines": {"inputs": ["image"]}}
    kinds = {"kind": "descriptors"}, {"kind": "network"}, {"kind": "network", "network": "alexnet"}
    descriptors, network, older = (of_mini(small, features=kind).source for kind in kinds)
    assert descriptors.blocks() == [
        f"results/data/mini/descriptors/blocks/{rows}.npz" for rows in ("0-60", "60-120", "120-140")
    ]
    assert descriptors.description_inputs()["words"] == "results/data/mini/descriptors/words.npy"
    assert network.description_inputs()["network"] == "results/data/networks/efficientnet_lite0.onnx"
    assert network.description()["mean"] == [127 / 255] * 3 and network.description()["side"] == 224
    assert network_weights("efficientnet_lite0") == []
    assert older.description_inputs()["network"] == "results/data/networks/alexnet.onnx"
    assert network_weights("alexnet") == ["results/data/alexnet/raw/alexnet-owt-7be5be79.pth"]
    # What words were learned by is in the words.
    assert not {"seed", "epochs", "words"} & descriptors.description()["phow"].keys()
    assert {"step", "scales"} <= descriptors.description()["phow"].keys()


def test_features_of_a_file_are_taken_from_it_and_told_of(tmp_path):
    path = tmp_path / "deca f7.npy"
    path.touch()
    small = {"data": SOME, "features": {"block": 60}, "baselines": {"inputs": ["image"]}}
    run = of_mini(small, features={"kind": "file", "file": str(path)})
    assert run.source.blocks()[1] == "results/data/mini/deca-f7/taken/60-120.npz"
    assert run.source.feature_file == str(path)
    assert str(path) in results.sources(run)
    assert results.about(run).endswith("images described by the file `deca f7.npy`")


def test_the_card_has_figures_of_labels_where_there_are_any(tmp_path):
    assert of_mini().source.card() == {
        "card": ["results/data/mini/card/card.md"],
        "figures": [f"results/data/mini/card/{name}.png" for name in ("sheet", "tags", "labels", "together")],
    }
    (tmp_path / "images").mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "images" / name).touch()
    (tmp_path / "table.csv").write_text("file,tags\na.png,x\nb.png,x;y\n")
    data = {"images": str(tmp_path / "images"), "table": str(tmp_path / "table.csv")}
    own = a_run("folder-own", data=data)
    assert [Path(name).stem for name in own.source.card()["figures"]] == ["sheet", "tags"]
    assert own.source.raw_files() == {"images": data["images"], "table": data["table"]}
    for refused in (own.labelled_store, own.labelled_store_with_copies, own.search_inputs):
        with pytest.raises(ConfigError, match=r"table\.csv\) has no labels to score by"):
            refused()


def test_a_data_set_without_images_draws_none():
    run = a_run("toronto-archive")
    assert run.source.card() == {"card": [], "figures": []}
    assert run.store == "results/data/toronto/store.h5"
    for refused in (run.source.images, lambda: results.TARGETS["card"].files(run)):
        with pytest.raises(ConfigError, match="The data set toronto has no images to draw"):
            refused()


def test_generated_data_have_a_truth_and_say_so():
    mini, real = of_mini(), a_run("mirflickr25k-25k")
    assert mini.tag_inputs("unlabelled")["truth"] == ["results/data/mini/raw/truth.npz"]
    assert mini.truth_reader().startswith("mvi.synthetic.") and mini.source.about()["generated"]
    assert real.tag_inputs("split1")["truth"] == [] and real.truth_reader() == ""
    assert not real.source.about()["generated"] and "Huiskes" in real.source.about()["citation"]
    assert list(plan(["mini-default", "digits-default"]).generated) == ["mini"]


def test_a_mirror_must_be_a_folder_and_downloads_are_registered(tmp_path):
    check_mirror(None)
    check_mirror(str(tmp_path))
    with pytest.raises(ConfigError, match="The mirror nowhere is not a folder"):
        check_mirror("nowhere")
    assert len(hash_of_download("mnist", "train-images-idx3-ubyte.gz")[0]) == 64


# -- what is made of runs -------------------------------------------------------------------------------

DEFAULT = plan(["digits-default", "mini-default", "theory"])


@pytest.mark.parametrize("name", results.TARGETS)
def test_a_target_is_made_of_the_runs_that_list_it_else_of_all_that_can_make_it(name):
    if name in ("table4", "gain", "chosen"):
        with pytest.raises(ConfigError, match=f"No run of this config makes {name}"):
            results.target(DEFAULT, name)
        return
    paths = results.target(DEFAULT, name)
    runs = {Path(path).parts[1] for path in paths} - {"data"}
    halves = (
        {"digits-default"} if name in ("table1", "figure2", "iterations", "training", "scores") else set()
    )
    assert runs == halves | (set() if halves and name != "scores" else {"mini-default"})
    assert {f"results/{run}/config.yaml" for run in runs} <= set(paths) and len(paths) > len(runs)


def test_a_run_that_does_not_list_a_target_makes_it_only_where_no_other_does():
    lists = {"extends": "mini-default", "outputs": ["table2"]}
    could = {"extends": "mini-default", "outputs": ["table3"]}

    def runs_of(target, *runs):
        made = plan({f"r{i}": run for i, run in enumerate(runs)})
        return {Path(path).parts[1] for path in results.target(made, target)}

    assert runs_of("table2", could, lists) == {"r1"}
    assert runs_of("table2", lists, lists) == {"r0", "r1"}
    assert runs_of("table2", could, could) == {"r0", "r1"}
    with pytest.raises(ConfigError, match=r"No run of this config makes table1 \(runs: r0\)"):
        runs_of("table1", lists)
    with pytest.raises(
        ConfigError, match=r"No run of this config makes tags \(runs: digits-default, theory\)"
    ):
        results.target(plan(["digits-default", "theory"]), "tags")
    # Nothing that a run makes is scored: no table of scores without any.
    with pytest.raises(ConfigError, match=r"No run of this config makes scores \(runs: r0\)"):
        runs_of("scores", {"extends": "mini-default", "outputs": ["features", "model"]})


def test_table_4_is_of_runs_whose_data_are_scored_as_voc_scores_them():
    for name in ("minivoc-default", "voc2007-paper"):
        made = plan([name, "mini-default"])
        run = made.runs[name]
        assert results.target(made, "table4") == [
            *(f"results/{name}/tables/table4.{ending}" for ending in ("csv", "md")),
            f"results/{name}/config.yaml",
        ]
        assert results.table_inputs(run, "table4") == results.table_inputs(run, "table2")
        assert results.table_settings(run, "table4")["metrics"][0] == run.headline == "map_11_points"


def test_images_of_a_data_set_may_lie_in_several_files():
    run = plan(["voc2007-paper"]).runs["voc2007-paper"]
    places = run.source.images()["images"]
    assert [Path(place).name for place in places] == [
        "VOCtrainval_06-Nov-2007.tar",
        "VOCtest_06-Nov-2007.tar",
        "mirflickr25k.zip",
    ]
    assert "tag_lines" not in run.source.raw_files() and "dictionary" in run.source.raw_files()
    assert of_mini().source.images()["images"] == "results/data/mini/raw/pictures.zip"


def test_the_paper_s_sizes_of_the_third_experiment():
    run = plan(["voc2007-paper"]).runs["voc2007-paper"]
    sizes = {
        name: [run.layer_settings(name, str(level))["hidden"] for level in run.levels(name)]
        for name in run.modalities
    }
    assert sizes == {"image": [1536, 1536], "text": [512, 1536]} and run.joint_model("mp")["hidden"] == 2048
    assert run.settings["joint"]["minimum_tags"] == 2
    assert {stage["minimum_tags"] for stage in run.stages.values()} == {2}
    assert run.source.learns_once and run.source.features["network"] == "alexnet"


def test_inputs_of_tables_and_figures_are_files_of_their_run():
    for run in DEFAULT.runs.values():
        for name, shown in {**results.TABLES, **results.FIGURES}.items():
            if name in run.settings["outputs"]:
                assert shown.inputs(run) and all(
                    path.startswith(f"results/{run.name}/") for path in shown.inputs(run)
                )
                assert shown.settings(run)


def test_a_rival_has_its_own_schedule_and_no_part_in_what_is_of_joint_layers():
    run = of_mini({"compare": ["mp", "cca", "contrastive"], "methods": {"contrastive": {"code": 7}}})
    part = run.parts[0].name
    assert run.layered == ["mp"] and run.joint_model("contrastive") == run.joint_model("cca") == {}
    assert run.objective("contrastive")["code"] == 7
    assert (
        run.schedule("contrastive") == run.objective("contrastive")["training"] and run.schedule("cca") == {}
    )
    assert run.joint_inputs("cca", part) == {"store": run.training_store(part), "scale": run.scale(part)}
    assert not any("cca" in path or "contrastive" in path for path in run.trained_metrics())
    searched = of_mini({"compare": ["mp", "cca"], "rows": {"parts": ["train"]}})
    assert all("/mp/" in path for path in searched.trial_files())
    looks = results.model_labels(run)
    assert list(looks)[:3] == ["mp", "cca", "contrastive"]
    assert looks["mp"] == "Joint layer by MP" and looks["cca"] == METHODS["cca"].label
    assert list(results.figure_settings(run, "learning")["methods"]) == ["mp"]


def test_inputs_filled_in_are_of_table_2_and_missing_tags():
    run = of_mini({"baselines": {"inputs": ["image", "mean_filled"]}})
    assert run.file("scores/baselines/mean_filled.csv") in results.table_inputs(run, "table2")
    assert run.file("scores/baselines/mean_filled.csv") in results.figure_inputs(run, "missing_tags")
    lines = results.figure_settings(run, "missing_tags")["lines"]
    assert list(lines)[-3:] == ["image+text", "sqrt_image+text", "mean_filled"]
    assert set(lines) - set(run.models) == set(list(lines)[-3:])
    assert results.classified(run) == ["image"]
    assert not any("filled" in path for path in results.table_inputs(of_mini({}), "table2"))


def test_table_2_has_retrieval_where_the_run_makes_it_and_what_its_models_cost():
    over = {"compare": ["mp", "cca"], "splits": [1], "data": FEW}
    plain, run = of_mini(over, outputs=["table2"]), of_mini(over, outputs=["table2", "retrieval"])
    searches = set(results.table_inputs(run, "retrieval"))
    assert searches < set(results.table_inputs(run, "table2"))
    assert not searches & set(results.table_inputs(plain, "table2"))
    assert set(results.label_scores(run)) == set(results.table_inputs(plain, "table2"))
    costs = results.costs(run, "table2")
    assert list(costs) == run.models and results.costs(run, "retrieval") == {}
    pathways = [
        f"results/x/benchmarks/pretrain_layer/{name}/split1.tsv" for name in ("image1", "image2", "text1")
    ]
    joint = "results/x/benchmarks/train_joint"
    assert costs["mp"]["trainings"] == [[*pathways, f"{joint}/mp/split1.tsv"]]
    assert costs["mp"]["network"] == "results/x/joint/mp/split1.safetensors"
    assert costs["mp"]["layers"] == run.layers("split1")
    # It stands on the inputs, whatever pathways others have.
    assert costs["cca"]["trainings"] == [[f"{joint}/cca/split1.tsv"]] and costs["cca"]["layers"] == {}
    stages = [f"results/x/benchmarks/finetune/{name}/split1.tsv" for name in ("upper/n4", "whole/n3")]
    assert costs["upper"]["trainings"] == [[*pathways, f"{joint}/mp/split1.tsv", stages[0]]]
    assert costs["whole"]["trainings"] == [[*pathways, f"{joint}/mp/split1.tsv", *stages]]


def test_the_ablation_trains_nothing_that_no_other_table_needs():
    over = {"compare": ["pcd", "mp", "cca"], "splits": [1], "data": FEW}
    run, table3 = of_mini(over, outputs=["table2"]), of_mini(over, outputs=["table2", "table3"])
    assert [path.removeprefix("results/x/scores/") for path in results.table_inputs(run, "ablation")] == [
        *(f"classify/{name}/split1.csv" for name in ("pcd", "mp", "upper", "whole")),
        *("joint_sweep/pcd/n0/split1.csv", "joint_sweep/mp/n3/split1.csv", "sweep/n3/split1.csv"),
    ]
    more = set(results.table_inputs(table3, "ablation")) - set(results.table_inputs(run, "ablation"))
    assert more == {"results/x/scores/sweep/n0/split1.csv"}
    models = results.table_settings(table3, "ablation")["models"]
    assert [(one["method"], one["trained"], one["tested"], one["swept"]) for one in models] == [
        ("pcd", 0, 10, [0]),
        ("mp", 3, 10, [0]),
        ("upper", 4, 10, []),
        ("whole", 3, 10, [0]),
        ("whole", 0, None, [0, 10]),
    ]
    assert (models[3]["objective"], models[3]["stage"], models[3]["directions"]) == (
        *("MP", "whole network"),
        run.stages["whole"]["directions"],
    )
    assert results.table_settings(run, "ablation")["models"] == models[:-1]
    assert run.joint_sweep_inputs("mp", "split1")["weights"] == "results/x/joint/mp/split1.safetensors"
    assert results.TARGETS["ablation"].fits(run)
    bare = of_mini(over, compare=["cca"], finetune=[], finetune_from=None, outputs=["table2"])
    assert not results.TARGETS["ablation"].fits(bare)


def test_scores_are_those_behind_the_outputs_each_once():
    run = of_mini(
        {"compare": ["mp", "pcd"], "data": FEW, "splits": [1], "baselines": {"inputs": ["image", "gist"]}},
        outputs=["reference", "table2", "retrieval"],
    )
    found = results.every_score(run)
    assert sorted(found) == [
        f"results/x/scores/{name}.csv"
        for name in sorted(
            [
                *(f"baselines/{name}" for name in ("gist", *results.LINEAR_INPUTS)),
                *(f"{kind}/{name}/split1" for kind in ("classify", "retrieval") for name in run.models),
                "retrieval_inputs",
            ],
            key=lambda name: f"{name}.csv",
        )
    ]
    digits = results.every_score(DEFAULT.runs["digits-default"])
    assert "results/digits-default/scores/cross_entropy/mp.csv" in digits
    with pytest.raises(ConfigError, match=r'"baselines.inputs" of run x is empty'):
        results.table_inputs(a_run("mini-default", baselines={"inputs": []}, outputs=["table2"]), "reference")


def test_everything_is_what_each_run_lists_and_its_page():
    runs = [*DEFAULT.runs.values(), *DEFAULT.theory.values()]
    assert results.everything(DEFAULT) == [
        path for run in runs for path in [*results.made(run), f"results/{run.name}/report.md"]
    ]
    # The models for users too, which the page does not show.
    assert set(DEFAULT.runs["mini-default"].exported()) <= set(results.everything(DEFAULT))
    plain = plan({"x": {"extends": "digits-default", "outputs": ["table1"]}})
    assert results.everything(plain) == [
        *("results/x/tables/table1.csv", "results/x/tables/table1.md", "results/x/scores.csv"),
    ]
    # A page is written after all that it may show.
    for run in DEFAULT.runs.values():
        made = set(results.made(run))
        for folder, ending in (("tables", "md"), ("figures", "png")):
            shown = results.shown(run, folder, ending)
            assert shown and set(shown) <= made and all(path.endswith(ending) for path in shown)


def test_two_runs_share_a_data_set_and_nothing_else():
    own = {"extends": "mini-default", "joint": {"hidden": 5}}
    made = plan({"a": {"extends": "mini-default"}, "b": own}, data={"mini": FEW})
    first, second = made.runs.values()
    assert first.store == second.store and first.source.catalogue == second.source.catalogue
    assert list(made.sources) == ["mini"]
    files = [
        {*results.made(run), *results.every_score(run), *run.trained_metrics(), run.joint("mp", "split1")}
        for run in (first, second)
    ]
    shared = files[0] & files[1]
    assert shared == {run_file for run_file in files[0] if run_file.startswith("results/data/")}
    assert made.card_settings(first.source) == made.card_settings(second.source)


# -- the theory -----------------------------------------------------------------------------------------


def test_runs_of_one_data_set_with_other_features_have_stores_of_their_own():
    coarse = {"extends": "mini-default", "features": {"name": "coarse", "image_size": 64}}
    made = plan({"a": {"extends": "mini-default"}, "b": coarse})
    first, second = made.runs.values()
    assert second.store == "results/data/mini/coarse/store.h5" != first.store
    assert made.source("mini", "coarse").features == second.settings["features"]
    assert made.source("mini", "descriptors") == first.source == made.source("mini")
    assert made.source("mini", "coarse").description() != made.source("mini", "descriptors").description()
    # What is made of the data alone is made once, as the first run says.
    assert made.sources == {"mini": first.source} and first.source.catalogue == second.source.catalogue
    with pytest.raises(ConfigError, match="No run of this config has the data set mini with features cnn"):
        made.source("mini", "cnn")


def test_tables_of_labels_need_no_network_and_say_what_is_inferred():
    alone = of_mini(finetune=[], compare=["pcd", "mp"], finetune_from=None, outputs=["table2"])
    made = plan({"r": {"extends": "mini-default", "finetune": [], "outputs": ["table2", "retrieval"]}})
    assert "results/r/tables/retrieval.md" in results.target(made, "retrieval")
    table = results.table_settings(alone, "table2")
    assert (list(table["models"]), table["main"], table["compared"]) == (["pcd", "mp"], "", [])
    assert (table["training"]["finetuned_from"], table["training"]["iterations"]) == (None, 10)
    differing = of_mini(finetune=[], inference={"iterations": {"pcd": 3}}, outputs=["table2"])
    assert results.table_settings(differing, "table2")["training"]["iterations"] is None


def test_models_for_users_are_networks_or_joint_layers_on_the_inputs():
    assert of_mini().exported() == ["results/x/finetune/unlabelled.safetensors"]
    assert of_mini(finetune=[], outputs=["table2"]).exported() == []
    digits = a_run("digits-default", seeds=[3], compare=["mp", "pcd"])
    assert digits.exported() == [f"results/x/models/{name}/seed3.safetensors" for name in ("mp", "pcd")]


def test_the_theory_is_a_run_without_data():
    theory = DEFAULT.theory["theory"]
    assert DEFAULT.run("theory") is theory and "theory" not in DEFAULT.runs
    assert results.theory(DEFAULT) == [
        "results/theory/tables/theory.md",
        *(f"results/theory/figures/{name}.png" for name in EXPERIMENTS),
    ]
    assert results.made(theory) == results.theory(DEFAULT)
    # The trainings of the theory run the methods that they compare, the other experiments none.
    assert theory.modules("training")[1:] == [
        f"mvi.methods.{name}" for name in theory.settings["theory"]["training"]["methods"]
    ]
    assert theory.modules("identity") == [EXPERIMENTS["identity"]]
    with pytest.raises(ConfigError, match="has a theory"):
        results.theory(plan(["digits-default"]))


def test_pages_say_what_they_are_of():
    assert results.about(DEFAULT.runs["digits-default"]).endswith("(`digits`), seeds 0, 1, 2")
    said = "(`mini`), 2 splits, seed 0, images described by the "
    assert results.about(of_mini(splits=[1, 2])).endswith(f"{said}paper's descriptors")
    network = of_mini({"baselines": {"inputs": ["image"]}}, splits=[1, 2], features={"kind": "network"})
    assert results.about(network).endswith(f"{said}network `efficientnet_lite0`")
    assert "identity" in results.about(DEFAULT.theory["theory"])
    assert results.benchmarks(of_mini()) == ["results/x/benchmarks", "results/data/mini/benchmarks"]
