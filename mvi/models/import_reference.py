# SPDX-License-Identifier: MIT
"""Models out of the MATLAB files of the paper's released code (nips2014_multimodal_learning).

A file holds the structs `params` and `weights`, as version 5 or 7.3 of the format. Which fields `weights` has
says what it is; matrices are [lower, upper], biases one number a unit, x is the first modality and z the
second:

    a layer     vishid, visbias, hidbias; of real visible units perhaps stds. `params`: typein ("binary" or
                "real"), typeout ("binary" or "step", then numstep_h), upfactor, downfactor
    stage 1     vxhid, vzhid, vxbias, vzbias, hidbias
    stage 2     vxhx, vzhz, hxpen, hzpen, penbias, hxbias, hzbias, vxbias, vzbias
    stage 3     vxhx, vzhz, hxpx, hzpz, pxtop, pztop, topbias, pxbias, pzbias, hxbias, hzbias, vxbias, vzbias

The code has one matrix for both ways and multiplies it by a factor on each; a layer's are in its file, those
of the stages in the scripts: 2 upwards (1 under the joint layer) and 2 downwards (1 to the inputs of stage
3); `params.downfactor` counts for stage 1, which the code has for MNIST too.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
import torch
from torch import Tensor

from mvi.errors import DataError
from mvi.models.checkpoints import save
from mvi.models.mdrnn import Layer, Mdrnn, Pathway
from mvi.models.mrbm import MultimodalRBM
from mvi.models.rbm import RBM
from mvi.models.units import Binary, Gaussian, SteppedSigmoid, Unit

Imported = RBM | MultimodalRBM | Mdrnn

MATRICES: dict[str, dict[str, tuple[str, str]]] = {
    "a layer": {"vishid": ("visbias", "hidbias")},
    "stage 1": {"vxhid": ("vxbias", "hidbias"), "vzhid": ("vzbias", "hidbias")},
    "stage 2": {
        "vxhx": ("vxbias", "hxbias"),
        "vzhz": ("vzbias", "hzbias"),
        "hxpen": ("hxbias", "penbias"),
        "hzpen": ("hzbias", "penbias"),
    },
    "stage 3": {
        "vxhx": ("vxbias", "hxbias"),
        "vzhz": ("vzbias", "hzbias"),
        "hxpx": ("hxbias", "pxbias"),
        "hzpz": ("hzbias", "pzbias"),
        "pxtop": ("pxbias", "topbias"),
        "pztop": ("pzbias", "topbias"),
    },
}
"""Of each kind of file its matrices, and the biases of the units below and above each."""
OPTIONAL = "stds"


def import_reference(
    path: str | Path, to: str | Path | None = None, *, modalities: Sequence[str] = ("image", "text")
) -> Imported:
    """Return the model of a file of the released code, and write it at `to`, if given, for `mvi.load`.

    `modalities` are the names of x and z. A single layer is read back by `mvi.models.checkpoints.load`.
    Raises `DataError` where the file cannot be read, lacks a field, or holds one of a wrong shape or kind.
    """
    weights, params = _structs(Path(path))
    kind = _kind_of(path, weights)
    numbers = _checked(path, kind, weights)
    if kind == "a layer":
        model: Imported = _layer(path, numbers, params)
    elif kind == "stage 1":
        model = _joint(numbers, float(params.get("downfactor", 2.0)), modalities)
    else:
        model = _network(numbers, kind, modalities)
    if to is not None:
        save(to, model, {"imported_from": Path(path).name, "kind": kind})
    return model


def _layer(path: str | Path, numbers: Mapping[str, Tensor], params: Mapping[str, Any]) -> RBM:
    lacking = [name for name in ("typein", "typeout", "upfactor", "downfactor") if name not in params]
    if params.get("typeout") == "step" and "numstep_h" not in params:
        lacking.append("numstep_h")
    if lacking:
        raise DataError(f"{path} lacks params.{', params.'.join(lacking)}; give the whole file of a layer.")
    visible, hidden = numbers["vishid"].shape
    inputs: dict[str, Unit] = {"binary": Binary(visible), "real": Gaussian(visible)}
    outputs: dict[str, Unit] = {
        "binary": Binary(hidden),
        "step": SteppedSigmoid(hidden, int(params.get("numstep_h", 1))),
    }
    for name, known in (("typein", inputs), ("typeout", outputs)):
        if params[name] not in known:
            raise DataError(
                f"{path} has params.{name} {params[name]!r}, which is none of {', '.join(known)}; give a "
                "layer of the released code."
            )
    parameters = {
        "weight": numbers["vishid"],
        "visible_bias": numbers["visbias"],
        "hidden_bias": numbers["hidbias"],
    }
    if params["typein"] == "real":
        deviations = numbers.get(OPTIONAL, torch.ones(visible))
        if not (deviations > 0).all():
            raise DataError(f"{path} has weights.stds that are not all above 0; give a sound file.")
        parameters["visible_log_std"] = deviations.log()
    return RBM(
        inputs[params["typein"]],
        outputs[params["typeout"]],
        parameters,
        up=float(params["upfactor"]),
        down=float(params["downfactor"]),
    )


def _joint(numbers: Mapping[str, Tensor], down: float, modalities: Sequence[str]) -> MultimodalRBM:
    sides = ("x", "z")
    sizes = {name: len(numbers[f"v{side}bias"]) for name, side in zip(modalities, sides, strict=True)}
    parameters = {
        "weight": torch.cat([numbers[f"v{side}hid"] for side in sides]),
        "visible_bias": torch.cat([numbers[f"v{side}bias"] for side in sides]),
        "hidden_bias": numbers["hidbias"],
    }
    return MultimodalRBM(sizes, len(numbers["hidbias"]), parameters, down=down)


def _network(numbers: Mapping[str, Tensor], kind: str, modalities: Sequence[str]) -> Mdrnn:
    whole = kind == "stage 3"
    pathways: dict[str, Pathway] = {}
    parameters = {"top/bias": numbers["topbias" if whole else "penbias"]}
    for name, side in zip(modalities, ("x", "z"), strict=True):
        chain = [f"v{side}h{side}", *([f"h{side}p{side}"] if whole else [])]
        sizes = [numbers[matrix].shape[1] for matrix in chain]
        first = Layer(sizes[0], up=2.0, down=1.0 if whole else 2.0)
        layers = (first, *(Layer(size, up=2.0, down=2.0) for size in sizes[1:]))
        columns = numbers[chain[0]].shape[0]
        # Only the whole network sees the images themselves, which are real numbers.
        real = whole and side == "x"
        pathways[name] = Pathway(Gaussian(columns) if real else Binary(columns), layers)
        for level, matrix in enumerate(chain):
            lower, upper = MATRICES[kind][matrix]
            parameters |= {f"{name}/{level}/bias": numbers[lower], f"{name}/{level + 1}/bias": numbers[upper]}
            parameters[f"{name}/{level + 1}/weight"] = numbers[matrix]
        parameters[f"top/{name}/weight"] = numbers[f"p{side}top" if whole else f"h{side}pen"]
    return Mdrnn(pathways, len(parameters["top/bias"]), parameters, down=2.0)


def _kind_of(path: str | Path, weights: Mapping[str, Any]) -> str:
    """The kind most of whose matrices are there."""
    shares = {kind: np.mean([name in weights for name in matrices]) for kind, matrices in MATRICES.items()}
    best = max(shares, key=lambda kind: shares[kind])
    if not shares[best]:
        known = "; ".join(f"{kind}: {', '.join(matrices)}" for kind, matrices in MATRICES.items())
        raise DataError(
            f"{path} has no matrix of the released code among its weights, which are "
            f"{', '.join(weights) or 'none'}; give a file with those of one kind ({known})."
        )
    return best


def _checked(path: str | Path, kind: str, weights: Mapping[str, Any]) -> dict[str, Tensor]:
    """The numbers of all fields, whose shapes fit together."""
    matrices = MATRICES[kind]
    biases = list(dict.fromkeys(bias for pair in matrices.values() for bias in pair))
    lacking = [name for name in (*matrices, *biases) if name not in weights]
    if lacking:
        raise DataError(
            f"{path} is {kind}, but lacks weights.{', weights.'.join(lacking)}; give the whole file."
        )
    found = {name: _numbers(path, name, weights[name], 2) for name in matrices}
    found |= {name: _numbers(path, name, weights[name], 1) for name in biases}
    for name, (lower, upper) in matrices.items():
        if tuple(found[name].shape) != (len(found[lower]), len(found[upper])):
            raise DataError(
                f"{path} has weights.{name} of shape {tuple(found[name].shape)} for {len(found[lower])} "
                f"units below ({lower}) and {len(found[upper])} above ({upper}); give a sound file."
            )
    if kind == "a layer" and OPTIONAL in weights:
        found[OPTIONAL] = _numbers(path, OPTIONAL, weights[OPTIONAL], 1)
        if len(found[OPTIONAL]) != len(found["visbias"]):
            raise DataError(
                f"{path} has {len(found[OPTIONAL])} weights.stds for {len(found['visbias'])} visible units; "
                "give a sound file."
            )
    return found


def _numbers(path: str | Path, name: str, values: Any, dimensions: int) -> Tensor:
    array = np.asarray(values)
    if dimensions == 1 and array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)
    if array.dtype.kind not in "fiu" or array.ndim != dimensions or not np.isfinite(array).all():
        raise DataError(
            f"{path} has weights.{name} of type {array.dtype} and shape {array.shape}; it must be "
            f"{'a matrix' if dimensions == 2 else 'a row or column'} of finite numbers."
        )
    return torch.from_numpy(np.array(array, np.float32, order="C"))


# -- the two versions of the format -----------------------------------------------------------------------


def _structs(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of `weights`, as arrays, and of `params`, as plain values."""
    if not path.is_file():
        raise DataError(f"There is no file {path}; name the right one.")
    try:
        if h5py.is_hdf5(path):
            with h5py.File(path, "r") as file:
                found = {name: _of_hdf5(file[name]) for name in ("weights", "params") if name in file}
        else:
            read = scipy.io.loadmat(path)
            found = {name: _of_version_5(read[name]) for name in ("weights", "params") if name in read}
    # SciPy's and h5py's readers raise whatever they stumble over in a damaged file.
    except Exception as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path} is no sound MATLAB file ({reason}); retrieve it again.") from error
    if "weights" not in found:
        raise DataError(f"{path} lacks the struct weights; give a file of the released code.")
    return found["weights"], {name: _plain(value) for name, value in found.get("params", {}).items()}


def _of_version_5(struct: np.ndarray) -> dict[str, Any]:
    if struct.dtype.names is None or struct.size != 1:
        raise ValueError("weights or params is no single struct")
    record = struct.reshape(-1)[0]
    return {name: record[name] for name in struct.dtype.names}


def _of_hdf5(group: Any) -> dict[str, Any]:
    """Arrays lie transposed, texts as the codes of their characters."""
    if not isinstance(group, h5py.Group):
        raise ValueError("weights or params is no struct")
    found = {}
    for name, item in group.items():
        if isinstance(item, h5py.Dataset):
            value = item[()].T
            text = item.attrs.get("MATLAB_class") in (b"char", "char")
            found[name] = "".join(map(chr, value.reshape(-1, order="F").tolist())) if text else value
    return found


def _plain(value: Any) -> Any:
    array = np.asarray(value)
    return array.reshape(-1)[0].item() if array.size == 1 else value
