# SPDX-License-Identifier: MIT
"""Ours beside cca-zoo and multivae (`pip install mvi[peers]`); not run unless asked for: `pytest -m peer`."""

import math

import numpy as np
import pytest
import torch

from mvi.models.canonical import directions
from mvi.models.product_of_experts import ProductOfExperts
from mvi.models.units import Binary, Gaussian
from mvi.objectives.correlation import correlation
from mvi.objectives.variational import ProductBounds

pytestmark = pytest.mark.peer

SIZES = {"image": 5, "text": 4}
N = 200


def rows():
    """Standardised images and tags that have something in common, in single precision."""
    draws = np.random.default_rng(0)
    common = draws.normal(size=(N, 2))
    image = common @ draws.normal(size=(2, 5)) + draws.normal(size=(N, 5))
    text = common @ draws.normal(size=(2, 4)) + draws.normal(size=(N, 4))
    image = (image - image.mean(0)) / image.std(0)
    return image.astype(np.float32), (text > 0.3).astype(np.float32)


@pytest.mark.parametrize("shrinkage", [0.0, 0.5])
def test_ridge_cca_is_that_of_cca_zoo(shrinkage):
    """They shrink to (1 - c) C + c I, which is C + c / (1 - c) I up to a factor that no direction feels."""
    linear = pytest.importorskip("cca_zoo.linear")
    image, text = (one.astype(np.float64) for one in rows())
    text = (text - text.mean(0)) / text.std(0)
    peer = linear.RidgeCCA(n_components=3, shrinkage=shrinkage).fit([image, text])
    both = torch.from_numpy(np.cov(np.concatenate([image, text], 1).T, ddof=0))
    ridge = shrinkage / (1 - shrinkage)
    x, y, _ = directions(both[:5, :5], both[:5, 5:], both[5:, 5:], ridge, 3)
    for ours, values, theirs in zip((x, y), (image, text), peer.transform([image, text]), strict=True):
        scores = values @ ours.numpy()
        found = [abs(np.corrcoef(scores[:, k], theirs[:, k])[0, 1]) for k in range(3)]
        np.testing.assert_allclose(found, 1, atol=1e-9)


def test_the_loss_of_cca_zoo_is_the_sum_of_squares():
    objectives = pytest.importorskip("cca_zoo.deep.objectives")
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(100, 1, dtype=torch.float64, generator=draws)
    y = x + torch.randn(100, 1, dtype=torch.float64, generator=draws)
    theirs = -float(objectives.CCALoss(reg_covar=1e-3)([x, y]))
    assert float(correlation(x, y, 1e-3)) == pytest.approx(math.sqrt(theirs))


def twins(prior, mixture):
    """One network in our arithmetic and in multivae's."""
    models = pytest.importorskip("multivae.models")
    networks = pytest.importorskip("pythae.models.nn.base_architectures")
    from pythae.models.base.base_utils import ModelOutput

    ours = ProductOfExperts.initialise(
        {"image": Gaussian(5), "text": Binary(4)},
        {"hidden": [], "code": 2, "prior_expert": prior},
        torch.Generator().manual_seed(1),
    )

    class Encoder(networks.BaseEncoder):
        def __init__(self, name):
            super().__init__()
            self.name, self.latent_dim = name, 2

        def forward(self, x):
            theta = ours.parameters
            out = x @ theta[f"{self.name}/encoder/weight1"] + theta[f"{self.name}/encoder/bias1"]
            return ModelOutput(embedding=out[:, :2], log_covariance=out[:, 2:])

    class Decoder(networks.BaseDecoder):
        def __init__(self, name):
            super().__init__()
            self.name, self.latent_dim = name, 2

        def forward(self, z):
            return ModelOutput(reconstruction=ours.modality_input(z, self.name))

    asked = {
        "n_modalities": 2,
        "latent_dim": 2,
        "input_dims": {name: (size,) for name, size in SIZES.items()},
        "decoders_dist": {"image": "normal", "text": "bernoulli"},
    }
    made = (models.MoPoE, models.MoPoEConfig) if mixture else (models.MVAE, models.MVAEConfig)
    if not mixture:
        asked |= {"use_subsampling": True, "warmup": 0}
    parts = ({name: Encoder(name) for name in SIZES}, {name: Decoder(name) for name in SIZES})
    return ours, made[0](made[1](**asked), *parts)


def dataset(repeats=1):
    base = pytest.importorskip("multivae.data.datasets.base")
    image, text = (torch.from_numpy(one).repeat(repeats, 1) for one in rows())
    return base.MultimodalBaseDataset({"image": image, "text": text})


def test_codes_of_mvae_are_those_of_multivae():
    ours, peer = twins(prior=True, mixture=False)
    given = dataset()
    for chosen in (["image"], ["text"], ["image", "text"]):
        theirs = peer.encode(given, cond_mod=chosen, return_mean=True).z.numpy()
        found = ours.encode({name: given.data[name].numpy() for name in chosen})
        # Their products are of sums of logarithms in single precision.
        np.testing.assert_allclose(found, theirs.reshape(found.shape), rtol=1e-4, atol=1e-5)


def test_codes_of_one_modality_of_mopoe_are_those_of_multivae():
    """Of both together theirs has the prior as an expert, and is a mean over sets, unlike the paper."""
    ours, peer = twins(prior=False, mixture=True)
    given = dataset()
    for name in SIZES:
        theirs = peer.encode(given, cond_mod=[name], return_mean=True).z.numpy()
        found = ours.encode({name: given.data[name].numpy()})
        np.testing.assert_allclose(found, theirs.reshape(found.shape), rtol=1e-4, atol=1e-5)


def test_the_loss_of_mvae_is_that_of_multivae():
    """By draws, so within their errors; theirs has the constants of the Gaussian, in two sets."""
    ours, peer = twins(prior=True, mixture=False)
    given = dataset(repeats=20)
    torch.manual_seed(0)
    theirs = [float(peer(given).loss.detach()) for _ in range(20)]
    joined = torch.cat([given.data[name] for name in SIZES], 1)
    draws = torch.Generator().manual_seed(0)
    found = [float(ProductBounds(mixture=False).loss(ours, joined, draws)[0]) for _ in range(20)]
    error = math.hypot(*(np.std(one, ddof=1) / math.sqrt(20) for one in (theirs, found)))
    constants = 2 * 5 * math.log(2 * math.pi) / 2
    assert error < 0.05 and abs(np.mean(theirs) - constants - np.mean(found)) < 5 * error
