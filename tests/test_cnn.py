# SPDX-License-Identifier: MIT
"""The network gives fc7 of AlexNet for the weights that it is given, and says what is wrong with them."""

import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from mvi.errors import DataError, ShapeError
from mvi.features.cnn import Cnn

# Names and shapes as in torchvision's file.
SHAPES = {
    "features.0": (64, 3, 11, 11),
    "features.3": (192, 64, 5, 5),
    "features.6": (384, 192, 3, 3),
    "features.8": (256, 384, 3, 3),
    "features.10": (256, 256, 3, 3),
    "classifier.1": (4096, 9216),
    "classifier.4": (4096, 4096),
    "classifier.6": (1000, 4096),
}


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    made = {}
    for name, shape in SHAPES.items():
        scale = (6 / torch.Size(shape[1:]).numel()) ** 0.5
        # Half precision, to write less.
        made[f"{name}.weight"] = ((torch.rand(shape, generator=generator) * 2 - 1) * scale).half()
        made[f"{name}.bias"] = (torch.rand(shape[:1], generator=generator) * 0.1).half()
    return made


@pytest.fixture(scope="module")
def path(weights, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "alexnet.safetensors"
    save_file(weights, path)
    return path


@pytest.fixture(scope="module")
def cnn(path) -> Cnn:
    return Cnn(path, batch=2)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.rand(3, 3, 224, 224, generator=torch.Generator().manual_seed(1))


def sentence(error: pytest.ExceptionInfo) -> str:
    text = str(error.value)
    assert text.endswith(".") and ". " not in text and "\n" not in text, text
    return text


def test_activations_are_those_of_the_published_layers(cnn, images, weights):
    w = {name: tensor.float() for name, tensor in weights.items()}
    x = (images[:1] - torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).view(1, 3, 1, 1)
    for layer, stride, padding, pooled in (
        (0, 4, 2, 1),
        (3, 1, 2, 1),
        (6, 1, 1, 0),
        (8, 1, 1, 0),
        (10, 1, 1, 1),
    ):
        name = f"features.{layer}"
        x = functional.conv2d(
            x, w[f"{name}.weight"], w[f"{name}.bias"], stride=stride, padding=padding
        ).relu()
        x = functional.max_pool2d(x, 3, 2) if pooled else x
    x = x.flatten(1)
    assert x.shape == (1, 9216)
    for layer in (1, 4):
        x = (x @ w[f"classifier.{layer}.weight"].T + w[f"classifier.{layer}.bias"]).relu()
    torch.testing.assert_close(cnn(images[:1]), x, rtol=1e-3, atol=1e-3)


def test_a_gpu_is_asked_for_exact_convolutions(cnn, images):
    asked = []
    hook = cnn._network.register_forward_hook(
        lambda *_: asked.append((torch.backends.cudnn.enabled, torch.backends.cudnn.allow_tf32))
    )
    before = torch.backends.cudnn.allow_tf32
    cnn(images[:1])
    hook.remove()
    assert asked == [(True, False)]
    assert before and torch.backends.cudnn.allow_tf32


def test_shape_and_batching(cnn, images):
    found = cnn(images)
    assert found.shape == (3, 4096) and found.dtype == torch.float32
    assert found.min() == 0 and 0.1 < (found > 0).float().mean() < 0.9
    # Nothing is left to chance, and nothing depends on the company.
    assert torch.equal(cnn(images), found)
    torch.testing.assert_close(cnn(images[2:]), found[2:], rtol=1e-4, atol=1e-4)
    assert (found[0] - found[1]).abs().max() > 1e-2
    assert cnn(images[:0]).shape == (0, 4096)


def test_pictures_of_another_size_are_resampled(cnn, images):
    small = functional.interpolate(images[:1], (128, 128), mode="bilinear", antialias=True)
    expected = functional.interpolate(small, (224, 224), mode="bilinear", antialias=True)
    torch.testing.assert_close(cnn(small), cnn(expected), rtol=1e-4, atol=1e-4)
    doubled = images[:1].repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert cnn(doubled).shape == (1, 4096)


@pytest.mark.parametrize("shape", [(3, 224, 224), (2, 1, 224, 224)])
def test_pictures_of_the_wrong_shape_are_refused(cnn, shape):
    with pytest.raises(ShapeError, match=r"needs pictures \(n, 3"):
        cnn(torch.zeros(shape))


def test_a_file_of_torch_does_as_well(cnn, weights, images, tmp_path):
    # The last layer is not needed.
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith("classifier.6")}
    torch.save(kept, tmp_path / "alexnet.pth")
    assert torch.equal(Cnn(tmp_path / "alexnet.pth", batch=2)(images), cnn(images))


def test_missing_weights_say_what_to_fetch(tmp_path):
    with pytest.raises(
        DataError, match=r"no AlexNet weights at .*absent.pth; fetch alexnet-owt-.*pth"
    ) as error:
        Cnn(tmp_path / "absent.pth")
    assert "put them there" in sentence(error)


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("code of the weights file was run",))


def written(folder, kind: str, weights):
    path = folder / f"w.{'safetensors' if 'safetensors' in kind else 'pth'}"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind in ("text", "text.safetensors"):
        path.write_text("404 Not found")
    elif kind == "code":
        path.write_bytes(pickle.dumps(Trap(), protocol=2))
    elif kind == "truncated":
        torch.save({"features.0.weight": weights["features.0.weight"]}, path)
        path.write_bytes(path.read_bytes()[:-500])
    elif kind == "list":
        torch.save([1, 2], path)
    else:
        save_file({"conv1.weight": torch.zeros(2)}, path)
    return path


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("empty", "is no sound weights file"),
        ("text", "is no sound weights file"),
        ("text.safetensors", "is no sound weights file"),
        ("code", "is no sound weights file"),
        ("truncated", "is no sound weights file"),
        ("list", "holds a list and no named weights"),
        ("other.safetensors", "has no weights named features.0.weight"),
    ],
)
def test_what_holds_no_weights_is_refused(tmp_path, weights, kind, says):
    with pytest.raises(DataError, match=says) as error:
        Cnn(written(tmp_path, kind, weights))
    sentence(error)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w: w.pop("features.10.bias"), "has no weights named features.10.bias"),
        (
            lambda w: w.update({"features.0.weight": torch.zeros(64, 3, 3, 3)}),
            r"features.0.weight in .* is \(64, 3, 3, 3\) where AlexNet has \(64, 3, 11, 11\)",
        ),
        (
            lambda w: w.update({"features.3.bias": torch.full((192,), torch.nan)}),
            "features.3.bias .* not finite",
        ),
        (
            lambda w: w.update({"features.3.bias": torch.zeros(192, dtype=torch.int64)}),
            "no weights named features.3.bias",
        ),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path, weights, change, says):
    # Small stand-ins where the check has no need of the whole.
    altered = {name: tensor for name, tensor in weights.items() if name.startswith("features")}
    change(altered)
    torch.save(altered, tmp_path / "w.pth")
    with pytest.raises(DataError, match=says) as error:
        Cnn(tmp_path / "w.pth")
    sentence(error)
