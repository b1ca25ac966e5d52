# SPDX-License-Identifier: MIT
"""Multimodal deep Boltzmann machine: pretrained layers, then all by PCD with a mean-field positive phase."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mvi.methods import pcd
from mvi.methods.base import Method, Training, load_joint_layer

if TYPE_CHECKING:
    from mvi.objectives.deep_boltzmann import DbmLikelihood


def likelihood(settings: Mapping[str, Any]) -> DbmLikelihood:
    """What all layers are trained together by, with the keys of `METHOD.settings`."""
    from mvi.objectives.deep_boltzmann import DbmLikelihood

    return DbmLikelihood(**{key: settings[key] for key in ("mean_field", "gibbs_steps", "chains", "centred")})


def fit(training: Training) -> None:
    """Train the joint layer on the pathways, then all layers together."""
    from mvi.models.deep_boltzmann import MultimodalDbm
    from mvi.training.greedy import greedy_network, train_whole

    settings = training.settings["objective"]
    network = greedy_network(training, pcd.objective(settings["joint"]))
    machine = MultimodalDbm.stacked(network, settings["iterations"])
    train_whole(training, machine, likelihood(settings))


METHOD = Method(
    name="dbm",
    label="Multimodal DBM",
    short="DBM",
    order=60,
    color="#882255",
    marker="P",
    citation="Srivastava, Salakhutdinov (2012, 2014), Multimodal learning with deep Boltzmann machines",
    settings={
        "iterations": {
            "$ref": "#/$defs/test_iterations",
            "description": "Mean-field iterations of inference, whatever is missing.",
            "default": 10,
        },
        "mean_field": {"$ref": "#/$defs/iterations"},
        "gibbs_steps": {
            "description": "Gibbs steps of each chain in an update.",
            "type": "integer",
            "minimum": 1,
            "default": 5,
        },
        "chains": {"$ref": "#/$defs/chains", "default": 100},
        "centred": {
            "description": "Whether products of layers are taken around running means of both.",
            "type": "boolean",
            "default": False,
        },
        "joint": {"$ref": "#/$defs/greedy_joint"},
        "training": {
            "$ref": "#/$defs/training",
            "default": {
                "epochs": 20,
                "batch_size": 200,
                "decay": 0.0,
                "momentum": {"final": 0.47},
                "l2": 0.0001,
            },
        },
    },
    fit=fit,
    load=load_joint_layer,
    missing="its units and its pathway's are inferred with all others by mean field",
)
