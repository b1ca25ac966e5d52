# SPDX-License-Identifier: MIT
"""Numbers of parameters and minutes of training, from what trainings leave."""

import pytest
import torch

from mvi.report.costs import cost_scores, minutes, parameters
from mvi.tensors import write_tensors

HEADER = "s\th:m:s\tmax_rss\n"


def weights(path, kind, *shapes, **description):
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {f"t{i}": torch.zeros(shape) for i, shape in enumerate(shapes)}
    write_tensors(path, tensors, {"model": {"kind": kind, **description}})
    return path


def job(folder, name, seconds, log="epoch 1"):
    """The benchmark of a job and its log, where Snakemake puts them."""
    for kind, text in (
        (f"benchmarks/{name}.tsv", f"{HEADER}{seconds}\t0:00:01\t9\n"),
        (f"logs/{name}.log", log),
    ):
        path = folder / kind
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / f"benchmarks/{name}.tsv"


def test_parameters_are_of_the_network_and_of_the_layers_that_it_does_not_have_itself(tmp_path):
    layers = {
        "image": [weights(tmp_path / "i1", "rbm", (5, 4), (4,)), weights(tmp_path / "i2", "rbm", (4, 3))],
        "text": [weights(tmp_path / "t1", "rbm", (7, 2))],
    }
    joint = weights(tmp_path / "joint", "mrbm", (5, 6), (6,))
    assert parameters(joint, layers) == 36 + 24 + 12 + 14
    pathways = [{"name": "image", "layers": [{}]}, {"name": "text", "layers": [{}]}]
    whole = weights(tmp_path / "whole", "mdrnn", (10, 10), pathways=pathways)
    assert parameters(whole, layers) == 100 + 24
    # What is unrolled of the layers has them in its own file.
    assert parameters(weights(tmp_path / "unrolled", "unrolled", (3, 3)), layers) == 9
    (tmp_path / "i2").unlink()
    assert parameters(joint, layers) is None and parameters(whole, layers) == 124
    (tmp_path / "i1").write_bytes(b"no weights")
    assert parameters(whole, layers) is None
    assert parameters(tmp_path / "nowhere", {}) is None


def test_minutes_are_of_all_jobs_or_not_said(tmp_path):
    jobs = [job(tmp_path, "train_joint/mp/split1", 90.0), job(tmp_path, "finetune/top/n3/split1", 30)]
    assert minutes(jobs) == 2
    assert minutes([]) is None and minutes([*jobs, tmp_path / "benchmarks/lost.tsv"]) is None
    # The benchmark of a resumed job does not know how long it took before it was killed.
    resumed = job(tmp_path, "train_joint/pcd/split1", 10, "pcd: resuming after epoch 7")
    assert minutes([*jobs, resumed]) is None
    assert minutes([*jobs, job(tmp_path, "pretrain_layer/image1/split1", "NA")]) is None


def test_what_is_known_of_a_model_is_a_score(tmp_path):
    files = {"network": weights(tmp_path / "w", "canonical", (2, 3)), "layers": {}}
    splits = [[job(tmp_path, f"train_joint/cca/split{n}", seconds)] for n, seconds in ((1, 60), (2, 120))]
    lost = {"network": tmp_path / "nowhere", "layers": {}, "trainings": [*splits, []]}
    found = cost_scores({"cca": {**files, "trainings": splits}, "mp": lost})
    assert {(s.method, s.variant, s.metric): s.value for s in found} == {
        ("cca", "parameters", "parameters"): 6,
        ("cca", "minutes", "minutes"): pytest.approx(1.5),
    }
