# SPDX-License-Identifier: MIT
"""Files in the layout of the released code, in both versions of the format, are models that compute alike."""

import h5py
import numpy as np
import pytest
import scipy.io
import torch

import mvi
from mvi.errors import DataError
from mvi.models.checkpoints import load
from mvi.models.import_reference import import_reference
from mvi.models.rbm import RBM
from mvi.models.units import Binary, Gaussian, SteppedSigmoid

X, Z, HX, HZ, PX, PZ, TOP = 7, 5, 4, 3, 6, 2, 8
STAGES = {
    "stage 1": {"vxhid": (X, TOP), "vzhid": (Z, TOP), "vxbias": X, "vzbias": Z, "hidbias": TOP},
    "stage 2": {
        **{"vxhx": (X, HX), "vzhz": (Z, HZ), "hxpen": (HX, TOP), "hzpen": (HZ, TOP)},
        **{"penbias": TOP, "hxbias": HX, "hzbias": HZ, "vxbias": X, "vzbias": Z},
    },
    "stage 3": {
        **{"vxhx": (X, HX), "vzhz": (Z, HZ), "hxpx": (HX, PX), "hzpz": (HZ, PZ)},
        **{"pxtop": (PX, TOP), "pztop": (PZ, TOP), "topbias": TOP, "pxbias": PX, "pzbias": PZ},
        **{"hxbias": HX, "hzbias": HZ, "vxbias": X, "vzbias": Z},
    },
}
LAYER = {"vishid": (X, HX), "visbias": X, "hidbias": HX}
PARAMS = {"typein": "binary", "typeout": "binary", "numvis": X, "numhid": HX, "upfactor": 2, "downfactor": 2}


def numbers(shapes, seed=0):
    """float32 fields; biases are columns, as in the released files."""
    draws = np.random.default_rng(seed)
    return {
        name: draws.normal(size=shape if isinstance(shape, tuple) else (shape, 1)).astype(np.float32)
        for name, shape in shapes.items()
    }


def write(path, weights, params=PARAMS, version=5):
    if version == 5:
        history = {"error": np.ones((3, 1))}
        scipy.io.savemat(path, {"weights": weights, "params": params, "history": history})
        return path
    with h5py.File(path, "w", userblock_size=512) as file:
        for struct, fields in (("weights", weights), ("params", params)):
            for name, value in fields.items():
                if isinstance(value, str):
                    item = file.create_dataset(
                        f"{struct}/{name}", data=np.array([[ord(c)] for c in value], "u2")
                    )
                    item.attrs["MATLAB_class"] = np.bytes_("char")
                else:
                    array = np.atleast_2d(np.asarray(value, getattr(value, "dtype", "f8")))
                    item = file.create_dataset(f"{struct}/{name}", data=array.T)
                    item.attrs["MATLAB_class"] = np.bytes_("single")
    head = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    with path.open("r+b") as file:
        file.write(head)
    return path


def sigma(a):
    return 1 / (1 + np.exp(-np.asarray(a, np.float64)))


versions = pytest.mark.parametrize("version", [5, 7.3])


@versions
def test_a_layer_computes_what_the_code_computes(tmp_path, version):
    weights = numbers(LAYER)
    out = tmp_path / "layer.safetensors"
    made = import_reference(write(tmp_path / "l.mat", weights, version=version), out)
    model = load(out, RBM)
    assert isinstance(model.visible, Binary) and isinstance(model.hidden, Binary)
    assert isinstance(made, RBM) and made.describe() == model.describe()
    W, b, c = (weights[name] for name in ("vishid", "hidbias", "visbias"))
    v = np.random.default_rng(1).random((3, X)).astype(np.float32)
    found = model.hidden_mean(torch.from_numpy(v)).numpy()
    np.testing.assert_allclose(found, sigma(2 * v @ W + b.T), rtol=1e-5)
    h = np.random.default_rng(2).random((3, HX)).astype(np.float32)
    found = model.visible_mean(torch.from_numpy(h)).numpy()
    np.testing.assert_allclose(found, sigma(2 * h @ W.T + c.T), rtol=1e-5)


@versions
def test_a_layer_of_real_inputs_and_stepped_units(tmp_path, version):
    weights = numbers(LAYER | {"stds": X})
    weights["stds"] = np.linspace(0.5, 2, X, dtype=np.float32)[:, None]
    params = PARAMS | {"typein": "real", "typeout": "step", "numstep_h": 5, "downfactor": 1}
    model = import_reference(write(tmp_path / "l.mat", weights, params, version))
    assert model.visible == Gaussian(X) and model.hidden == SteppedSigmoid(HX, 5)
    v = np.random.default_rng(1).normal(size=(3, X)).astype(np.float32)
    a = 2 * (v / weights["stds"].T) @ weights["vishid"] + weights["hidbias"].T
    wanted = sum(sigma(a - j + 0.5) for j in range(1, 6))
    np.testing.assert_allclose(model.hidden_mean(torch.from_numpy(v)).numpy(), wanted, rtol=1e-5)
    h = np.ones((1, HX), np.float32)
    mean = (h @ (weights["vishid"] * weights["stds"]).T) + weights["visbias"].T
    np.testing.assert_allclose(model.visible_mean(torch.from_numpy(h)).numpy(), mean, rtol=1e-4, atol=1e-5)
    # As all were on Flickr, where the deviations were not learned.
    del weights["stds"]
    plain = import_reference(write(tmp_path / "p.mat", weights, params, version))
    assert torch.equal(plain.parameters["visible_log_std"], torch.zeros(X))


def test_both_versions_are_the_same_model(tmp_path):
    for kind, shapes in STAGES.items():
        models = [
            import_reference(write(tmp_path / f"{version}.mat", numbers(shapes), version=version))
            for version in (5, 7.3)
        ]
        first, second = models
        assert first.describe() == second.describe(), kind
        assert all(torch.equal(theta, second.parameters[name]) for name, theta in first.parameters.items())


def top_state(w, x, z, count):
    """The joint state of stage 3 given x, or both, as section 4 of the code's recurrences has it."""
    h = sigma(2 * x @ w["vxhx"] + w["hxbias"].T)
    p = sigma(2 * h @ w["hxpx"] + w["pxbias"].T)
    image = p @ w["pxtop"]

    def text(values):
        below = sigma(2 * values @ w["vzhz"] + w["hzbias"].T)
        return sigma(2 * below @ w["hzpz"] + w["pzbias"].T) @ w["pztop"]

    if z is not None:
        return sigma(image + text(z) + w["topbias"].T)
    top = sigma(2 * image + w["topbias"].T)
    for _ in range(count):
        below = sigma(2 * top @ w["pztop"].T + w["pzbias"].T)
        below = sigma(2 * below @ w["hzpz"].T + w["hzbias"].T)
        top = sigma(image + text(sigma(below @ w["vzhz"].T + w["vzbias"].T)) + w["topbias"].T)
    return top


@versions
def test_the_whole_network_computes_what_the_code_computes(tmp_path, version):
    weights = numbers(STAGES["stage 3"])
    out = tmp_path / "whole.safetensors"
    import_reference(write(tmp_path / "s.mat", weights, {"fname": "f"}, version), out)
    model = mvi.load(out)
    draws = np.random.default_rng(1)
    x = draws.normal(size=(3, X)).astype(np.float32)
    z = (draws.random((3, Z)) < 0.5).astype(np.float32)
    np.testing.assert_allclose(
        model.encode({"image": x, "text": z}), top_state(weights, x, z, 0), rtol=1e-4, atol=1e-6
    )
    for count in (0, 1, 4):
        found = model.encode({"image": x, "text": None}, iterations=count)
        np.testing.assert_allclose(found, top_state(weights, x, None, count), rtol=1e-4, atol=1e-6)


def test_the_other_stages_have_inputs_between_0_and_1(tmp_path):
    for kind in ("stage 1", "stage 2"):
        weights, out = numbers(STAGES[kind]), tmp_path / "m.safetensors"
        import_reference(
            write(tmp_path / "s.mat", weights, {"fname": "f"}), out, modalities=["left", "right"]
        )
        model = mvi.load(out)
        x, z = np.full((1, X), 0.3, np.float32), np.full((1, Z), 0.8, np.float32)
        if kind == "stage 1":
            wanted = sigma(x @ weights["vxhid"] + z @ weights["vzhid"] + weights["hidbias"].T)
        else:
            hx = sigma(2 * x @ weights["vxhx"] + weights["hxbias"].T)
            hz = sigma(2 * z @ weights["vzhz"] + weights["hzbias"].T)
            wanted = sigma(hx @ weights["hxpen"] + hz @ weights["hzpen"] + weights["penbias"].T)
        np.testing.assert_allclose(model.encode({"left": x, "right": z}), wanted, rtol=1e-5)
        assert model.down == 2
    params = {"fname": "f", "downfactor": 1}
    assert import_reference(write(tmp_path / "m.mat", numbers(STAGES["stage 1"]), params)).down == 1


# -- what is wrong ----------------------------------------------------------------------------------------


def refused(path, match):
    with pytest.raises(DataError, match=match) as error:
        import_reference(path)
    text = str(error.value)
    assert text.endswith(".") and "\n" not in text, text


@versions
@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("stage 1", lambda w: w.pop("vzbias"), "is stage 1, but lacks weights.vzbias"),
        ("stage 3", lambda w: (w.pop("hzpz"), w.pop("topbias")), "stage 3, .* weights.hzpz, weights.topbias"),
        ("stage 2", lambda w: w.update(vxhx=w["vxhx"].T.copy()), r"vxhx of shape \(4, 7\) for 7 units below"),
        (
            "stage 2",
            lambda w: w.update(penbias=w["penbias"][1:]),
            r"hxpen of shape \(4, 8\) .* 7 above",
        ),
        ("stage 1", lambda w: w.update(vxbias=np.ones((2, 4), "f4")), "vxbias of type float32 and shape"),
        ("stage 1", lambda w: w.update(hidbias=w["hidbias"] * np.nan), "hidbias .* of finite numbers"),
        ("stage 1", lambda w: (w.clear(), w.update(other=np.ones((2, 2)))), "no matrix of the released code"),
    ],
)
def test_missing_and_wrong_fields_are_named(tmp_path, version, kind, change, says):
    weights = numbers(STAGES[kind])
    change(weights)
    refused(write(tmp_path / "s.mat", weights, version=version), says)


@versions
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda p: p.pop("upfactor"), "lacks params.upfactor"),
        (lambda p: p.update(typeout="step"), "lacks params.numstep_h"),
        (lambda p: p.update(typein="softmax"), "params.typein 'softmax', which is none of binary, real"),
    ],
)
def test_a_layer_needs_to_know_its_units(tmp_path, version, change, says):
    params = dict(PARAMS)
    change(params)
    refused(write(tmp_path / "l.mat", numbers(LAYER), params, version), says)


def test_deviations_that_are_none_are_refused(tmp_path):
    params = PARAMS | {"typein": "real"}
    weights = numbers(LAYER) | {"stds": np.zeros((X, 1), np.float32)}
    refused(write(tmp_path / "l.mat", weights, params), "not all above 0")
    weights["stds"] = np.ones((X + 1, 1), np.float32)
    refused(write(tmp_path / "l.mat", weights, params), "8 weights.stds for 7 visible units")


def test_what_is_no_such_file_is_refused(tmp_path):
    path = tmp_path / "x.mat"
    refused(path, "There is no file")
    path.write_bytes(b"no matlab file at all" * 20)
    refused(path, "no sound MATLAB file")
    whole = write(path, numbers(LAYER)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused(path, "no sound MATLAB file|lacks")
    scipy.io.savemat(path, {"params": PARAMS})
    refused(path, "lacks the struct weights")
    scipy.io.savemat(path, {"weights": np.ones(3)})
    refused(path, "no sound MATLAB file")
