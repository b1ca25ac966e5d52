# SPDX-License-Identifier: MIT
"""Bimodal deep autoencoder: pretrained layers unrolled, to give back both modalities from both or one."""

from __future__ import annotations

from mvi.methods import pcd
from mvi.methods.base import Method, Training, load_joint_layer


def fit(training: Training) -> None:
    """Train the shared layer on the pathways as an RBM, then unroll all of them and train the whole."""
    from mvi.models.unrolled import Autoencoder
    from mvi.objectives.reconstruction import Reconstruction
    from mvi.training.greedy import greedy_network, train_whole

    settings = training.settings["objective"]
    network = greedy_network(training, pcd.objective(settings["joint"]))
    train_whole(training, Autoencoder.unrolled(network), Reconstruction(settings["weights"]))


METHOD = Method(
    name="autoencoder",
    label="Bimodal deep autoencoder",
    short="Autoencoder",
    order=70,
    color="#44AA99",
    marker="X",
    citation="Ngiam, Khosla, Kim, Nam, Lee, Ng (2011), Multimodal deep learning",
    settings={
        "weights": {
            "description": "What the reconstruction of each modality counts.",
            "each_modality": {"$ref": "#/$defs/factor"},
        },
        # Its layers have one neighbour at a time on the way down, as they had when they were trained.
        "joint": {"$ref": "#/$defs/greedy_joint", "default": {"down": 1.0}},
        "training": {"$ref": "#/$defs/adam"},
    },
    fit=fit,
    load=load_joint_layer,
    missing="its units are at 0, as in a third of the training's copies of each row: the mean of what is "
    "standardised, a text without words",
)
