# SPDX-License-Identifier: MIT
"""What every model of several modalities answers to, asked of each kind of them."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

import mvi
from mvi.data.transforms import AsStored, Binarise, Counts, Standardise
from mvi.errors import ConfigError, DataError, MviError, ShapeError
from mvi.models.base import Inference, MultimodalModel
from mvi.models.checkpoints import save
from mvi.models.mdrnn import Layer, Mdrnn, Pathway
from mvi.models.mrbm import MultimodalRBM
from mvi.models.pipeline import Encode, Encoder
from mvi.models.rbm import RBM
from mvi.models.units import Binary, Gaussian, ReplicatedSoftmax, SteppedSigmoid

SIZES = {"text": 6, "image": 5}
K, N = 4, 30


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def shaken(model):
    for theta in model.parameters.values():
        theta += 0.5 * torch.randn(theta.shape, dtype=theta.dtype, generator=seeded(len(theta)))
    return model


def mrbm(dtype=torch.float64, **options):
    options = {"up": {"text": 0.8, "image": 1.5}, "down": 2.0} | options
    return shaken(MultimodalRBM.initialise(SIZES, K, seeded(), weight_std=0.7, dtype=dtype, **options))


def mdrnn(dtype=torch.float64):
    pathways = {
        "text": Pathway(ReplicatedSoftmax(6), (Layer(4, 0.3),), 0.8, total=3.0),
        "image": Pathway(Gaussian(5), (Layer(4, 2.0, 1.0), Layer(3)), 1.3),
    }
    return shaken(Mdrnn.initialise(pathways, K, seeded(), weight_std=0.7, dtype=dtype, down=1.5))


def encoder(dtype=torch.float32):
    """Tags and standardised images under a network; the first layer of the images is not part of it."""
    pathways = {"text": Pathway(Binary(6), (Layer(4),), 0.8), "image": Pathway(Binary(3), (), 1.3)}
    network = shaken(Mdrnn.initialise(pathways, K, seeded(), weight_std=0.7, dtype=dtype))
    layer = shaken(RBM.initialise(Gaussian(5), SteppedSigmoid(3), seeded(1), weight_std=0.7))
    scale = Standardise(torch.linspace(-1, 1, 5), torch.linspace(1, 2, 5), clip=3.0)
    return Encoder({"text": Binarise(), "image": Encode(scale, [layer])}, network)


def plain_encoder(dtype=torch.float32):
    return Encoder({"image": AsStored(), "text": AsStored()}, mrbm(dtype))


MODELS = [mrbm, mdrnn, encoder, plain_encoder]
every = pytest.mark.parametrize("make", MODELS)
CALLS = {
    "encode": lambda model, values, **options: model.encode(values, **options),
    "complete": lambda model, values, **options: model.complete(values, "text", **options),
    "sweep": lambda model, values, **options: model.sweep(values, [2, 0], **options)[2],
    "join": lambda model, values, **options: model.join(values, **options),
}
ASKED = ("encode", "complete", "sweep")


def rows(n=N, seed=0):
    """Values that all models take: 0 and 1 for tags, and numbers from 0 to 1 for images."""
    draws = np.random.default_rng(seed)
    return {
        "text": (draws.random((n, 6)) < 0.4).astype(np.float32),
        "image": draws.random((n, 5)).astype(np.float32),
    }


# -- settings of inference -----------------------------------------------------------------------------


@every
def test_settings_of_inference_are_in_the_file_and_are_the_default(make, tmp_path):
    if make is encoder:
        pytest.skip("Layers below a network are not part of its file.")
    model = make()
    assert model.inference == Inference(10, "doubled", 0.0, "row")
    model.inference = Inference(3, "zeros", 1e-3)
    save(tmp_path / "m.safetensors", model, {})
    found = mvi.load(tmp_path / "m.safetensors")
    assert isinstance(found, MultimodalModel) and found.inference == model.inference
    values = {"image": rows()["image"]}
    asked = {"iterations": 3, "start": "zeros", "tolerance": 1e-3}
    model.inference = Inference()
    for call in ("encode", "complete"):
        np.testing.assert_array_equal(CALLS[call](found, values), CALLS[call](model, values, **asked))
        assert not np.array_equal(CALLS[call](found, values), CALLS[call](model, values))
    np.testing.assert_array_equal(found.sweep(values, [1])[1], model.sweep(values, [1], start="zeros")[1])


def test_files_that_say_nothing_of_inference_are_asked_as_the_reference_does():
    for model in (mrbm(), mdrnn(), plain_encoder()):
        model.inference = Inference(3, "zeros", 0.1)
        described = {key: value for key, value in model.describe().items() if key != "inference"}
        described.get("network", {}).pop("inference", None)
        assert type(model).from_description(described, model.parameters).inference == Inference()


def test_a_training_s_own_file_does_not_say_how_it_is_asked_and_must_be_told(tmp_path):
    for model in (mrbm(), mdrnn()):
        save(tmp_path / "told.safetensors", model, {})
        told = mvi.load(tmp_path / "told.safetensors")
        model.inference = None
        save(tmp_path / "m.safetensors", model, {})
        found = mvi.load(tmp_path / "m.safetensors")
        values = {"image": rows()["image"]}
        for call in ("encode", "complete"):
            for asked in ({}, {"iterations": 3}, {"start": "zeros", "tolerance": 0.1}):
                with pytest.raises(
                    ConfigError, match=r"does not say how .* the file that the target `model` makes"
                ):
                    CALLS[call](found, values, **asked)
            asked = {"iterations": 3, "start": "zeros"}
            np.testing.assert_array_equal(
                CALLS[call](found, values, **asked), CALLS[call](told, values, **asked)
            )
        with pytest.raises(ConfigError, match="does not say how"):
            found.sweep(values, [1])
        np.testing.assert_array_equal(
            found.sweep(values, [1], start="zeros")[1], told.sweep(values, [1], start="zeros")[1]
        )


def test_an_encoder_is_asked_as_its_network_unless_it_says_otherwise():
    network = mrbm(inference=Inference(2, "zeros"))
    inputs = {name: AsStored() for name in SIZES}
    assert Encoder(inputs, network).inference == Inference(2, "zeros")
    assert Encoder(inputs, network, inference=Inference(5)).inference == Inference(5)
    assert Encoder(inputs, mrbm(inference=None)).inference is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"start": "zero"}, "start is 'zero'; choose zeros or doubled"),
        ({"start": ""}, "start is ''; choose zeros or doubled"),
        ({"iterations": -1}, "iterations is -1; give a whole number of 0 or more"),
        ({"iterations": 2.5}, "iterations is 2.5; give a whole number"),
        ({"iterations": "5"}, "iterations is '5'; give a whole number"),
        ({"iterations": True}, "iterations is True; give a whole number"),
        ({"tolerance": -1e-9}, "tolerance is -1e-09; give a number of 0 or more"),
        ({"tolerance": float("nan")}, "tolerance is nan; give a number"),
        ({"tolerance": "small"}, "tolerance is 'small'; give a number"),
        ({"stop": "reference"}, "stop is 'reference'; choose row or block"),
        ({"block": 0}, "block is 0; give a whole number of 1 or more"),
        ({"block": 2.0}, "block is 2.0; give a whole number"),
    ],
)
@every
def test_settings_that_do_not_exist_are_refused(make, wrong, message):
    model = make()
    if "block" not in wrong:
        with pytest.raises(ConfigError, match=message):
            Inference(**wrong)
    for given in (rows(), {"image": rows()["image"]}):
        for call in ("encode", "complete"):
            with pytest.raises(ConfigError, match=message):
                CALLS[call](model, given, **wrong)
        if wrong.keys() <= {"start", "block"}:
            with pytest.raises(ConfigError, match=message):
                model.sweep(given, [1], **wrong)
        if "iterations" in wrong:
            with pytest.raises(ConfigError, match=message):
                model.sweep(given, [1, wrong["iterations"]])


@every
def test_numbers_of_numpy_are_numbers(make):
    model, given = make(), {"image": rows()["image"]}
    found = model.encode(given, iterations=np.int64(3), tolerance=np.float32(0), block=np.int32(7))
    np.testing.assert_array_equal(found, model.encode(given, iterations=3, block=7))
    assert model.sweep(given, np.arange(2)).keys() == {0, 1}
    with pytest.raises(ConfigError, match="a sweep needs numbers of iterations"):
        model.sweep(given, [])


# -- missing in some rows ------------------------------------------------------------------------------


def poisoned(value, mask):
    """`value` with NaN wherever `mask` says that it was not observed."""
    return np.where(mask[:, None], value, np.nan).astype(value.dtype)


@every
@pytest.mark.parametrize("call", ASKED)
@pytest.mark.parametrize("options", [{}, {"block": 7}, {"start": "zeros", "block": 11}])
def test_rows_without_a_modality_are_those_asked_without_it(make, call, options):
    model, values = make(), rows()
    if call == "complete":
        model, values["sound"] = three(make), rows(seed=3)["image"]
    mask = np.random.default_rng(5).random(N) < 0.6
    hidden, ask = "image", CALLS[call]
    assert mask[:7].any() and not mask[:7].all()
    found = ask(model, values | {hidden: poisoned(values[hidden], mask)}, observed={hidden: mask}, **options)
    # In the same blocks to the last bit, and by themselves up to rounding.
    without = ask(model, values | {hidden: None}, **options)
    np.testing.assert_array_equal(found[~mask], without[~mask])
    np.testing.assert_array_equal(found[mask], ask(model, values, **options)[mask])
    alone = {name: None if name == hidden else value[~mask] for name, value in values.items()}
    precision = 1e-12 if found.dtype == np.float64 else 2e-6
    np.testing.assert_allclose(found[~mask], ask(model, alone, **options), rtol=0, atol=precision)
    nothing = ask(model, values | {hidden: np.zeros_like(values[hidden])}, **options)
    assert np.abs(found[~mask] - nothing[~mask]).max() > 1e-3


def three(make):
    """A model of three modalities, of which the text may be the target and one more be missing."""
    if make is mrbm or make is plain_encoder:
        sizes = SIZES | {"sound": 5}
        model = shaken(MultimodalRBM.initialise(sizes, K, seeded(), weight_std=0.7, dtype=torch.float64))
        return model if make is mrbm else Encoder({name: AsStored() for name in sizes}, model)
    pathways = {
        "sound": Pathway(Gaussian(5)),
        "text": Pathway(Binary(6), (Layer(4),), 0.8),
        "image": Pathway(Gaussian(5), (Layer(3),)),
    }
    model = shaken(Mdrnn.initialise(pathways, K, seeded(), weight_std=0.7, dtype=torch.float64))
    scale = Standardise(torch.zeros(5), torch.ones(5))
    inputs = {"image": scale, "text": Binarise(), "sound": scale}
    return model if make is mdrnn else Encoder(inputs, model)


@every
def test_each_row_may_lack_another_modality(make):
    model = three(make)
    values = rows() | {"sound": rows(seed=3)["image"]}
    draws = np.random.default_rng(1)
    masks = {name: draws.random(N) < 0.6 for name in values}
    # One row has nothing of the two that may be missing; none has nothing at all.
    masks["sound"] |= ~(masks["text"] | masks["image"])
    hidden = {name: poisoned(value, masks[name]) for name, value in values.items()}
    codes = sum(mask.astype(int) << i for i, mask in enumerate(masks.values()))
    assert len(set(codes)) >= 6
    for block in (4, 100):
        found = model.encode(hidden, observed=masks, block=block)
        for code in set(codes):
            at = codes == code
            given = {name: value[at] if masks[name][at].all() else None for name, value in values.items()}
            np.testing.assert_allclose(found[at], model.encode(given), rtol=0, atol=2e-6)


@every
def test_masks_may_be_of_numpy_torch_or_pandas_and_say_nothing_where_all_was_observed(make):
    model, values = make(), rows()
    mask = np.arange(N) % 3 > 0
    expected = model.encode(values, observed={"text": mask})
    for kind in (torch.from_numpy, pd.Series, lambda mask: mask[::-1].copy()[::-1]):
        np.testing.assert_array_equal(model.encode(values, observed={"text": kind(mask)}), expected)
    for observed in ({}, {"text": np.ones(N, bool)}, {name: np.ones(N, bool) for name in values}):
        np.testing.assert_array_equal(model.encode(values, observed=observed), model.encode(values))
    image = {"image": values["image"], "text": None}
    np.testing.assert_array_equal(
        model.encode(values, observed={"text": np.zeros(N, bool)}), model.encode(image)
    )
    # Where a modality is missing altogether its mask does not matter, nor that of a target.
    np.testing.assert_array_equal(model.encode(image, observed={"text": mask}), model.encode(image))
    np.testing.assert_array_equal(
        model.complete(values, "text", observed={"text": mask}), model.complete(image, "text")
    )
    tensors = {name: torch.from_numpy(value) for name, value in values.items()}
    assert isinstance(model.encode(tensors, observed={"text": mask}), torch.Tensor)


@every
@pytest.mark.parametrize(
    ("observed", "message"),
    [
        ({"sound": np.ones(N, bool)}, "no modality 'sound'; this model has"),
        (
            {"text": np.ones(N)},
            "`observed` for modality 'text' is float64 of shape .*; give an array of 30 bools",
        ),
        ({"text": np.arange(N)}, "is int64 of shape"),
        ({"text": np.ones(N - 1, bool)}, r"is bool of shape \(29,\)"),
        ({"text": np.ones((N, 6), bool)}, r"is bool of shape \(30, 6\)"),
        ({"text": [True] * N}, "is a list; give an array of 30 bools"),
        ({"text": np.ma.masked_array(np.ones(N, bool))}, "is a masked array"),
        (
            {"text": np.arange(N) != 7, "image": np.arange(N) % 7 > 0},
            "no modality is observed in row 7; leave such rows out",
        ),
    ],
)
def test_masks_that_make_no_sense_are_refused(make, observed, message):
    for call in ("encode", "sweep", "join"):
        with pytest.raises(ShapeError, match=message):
            CALLS[call](make(), rows(), observed=observed)


@every
def test_a_row_of_which_only_the_target_is_observed_is_refused(make):
    with pytest.raises(ShapeError, match="no modality is observed in row 4"):
        make().complete(rows(), "text", observed={"image": np.arange(N) != 4})


# -- the stop by tolerance -----------------------------------------------------------------------------


def slow(make):
    """A model that takes some rows longer than others, and what it is asked."""
    model = encoder(torch.float64).network if make is mdrnn else make()
    network = model.network if isinstance(model, Encoder) else model
    for name, theta in network.parameters.items():
        theta *= 2 if "weight" in name else 1
    return model, {"text": rows()["text"]}


def changes(model, given, iterations):
    """(iterations, n) mean absolute changes of the joint states, and the states (iterations + 1, n, K)."""
    states = np.stack(list(model.sweep(given, range(iterations + 1)).values()))
    return np.abs(np.diff(states, axis=0)).mean(-1), states


def edge(moved):
    """A tolerance that some rows pass early and some late, and far from every change."""
    low, high = np.quantile(moved[3], [0.25, 0.75])
    levels = np.sort(moved[(moved >= low) & (moved <= high)])
    widest = int(np.argmax(np.diff(levels)))
    assert levels[widest + 1] - levels[widest] > 1e-6
    return float(levels[widest : widest + 2].mean())


def rounding(states):
    """How far states may be apart that were computed beside others; a change on the edge is not."""
    return 1e-12 if states.dtype == np.float64 else 1e-5


@every
def test_each_row_stops_for_itself(make):
    model, given = slow(make)
    moved, states = changes(model, given, 40)
    tolerance = edge(moved)
    stops = (moved < tolerance).argmax(0) + 1
    assert len(set(stops)) > 2
    for iterations in (40, 4, 1):
        found = model.encode(given, iterations=iterations, tolerance=tolerance)
        expected = states[np.minimum(stops, iterations), np.arange(N)]
        np.testing.assert_allclose(found, expected, rtol=0, atol=rounding(found))
    assert np.abs(expected - states[stops, np.arange(N)]).max() > 1e-3


@every
def test_a_row_does_not_depend_on_those_beside_it(make):
    model, given = slow(make)
    asked = {"iterations": 60, "tolerance": edge(changes(model, given, 20)[0])}
    whole = model.encode(given, **asked)
    for block in (1, 7, 29):
        found = model.encode(given, block=block, **asked)
        np.testing.assert_allclose(found, whole, rtol=0, atol=rounding(whole))
    # Where the mean over the block decides, as in the reference code, it does.
    together, alone = (model.encode(given, stop="block", block=block, **asked) for block in (N, 1))
    assert np.abs(alone - together).max() > 10 * rounding(whole)


@every
def test_a_block_may_stop_together_as_the_reference_code_does(make):
    model, given = slow(make)
    moved, states = changes(model, given, 6)
    means = moved.mean(1)
    assert (np.diff(means) < 0).all()
    for count in range(1, 6):
        tolerance = (means[count - 1] + means[count]) / 2
        found = model.encode(given, iterations=50, tolerance=tolerance, stop="block")
        np.testing.assert_array_equal(found, states[count + 1])


# -- arrays --------------------------------------------------------------------------------------------


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


KINDS = {
    "reversed rows": lambda array: array[::-1].copy()[::-1],
    "mirrored columns": lambda array: array[:, ::-1].copy()[:, ::-1],
    "columns first": np.asfortranarray,
    "big-endian": lambda array: array.astype(">f4"),
    "float64, big-endian": lambda array: array.astype(">f8"),
    "read-only": read_only,
    "float16": lambda array: array.astype(np.float16),
    "data frame": pd.DataFrame,
    "mixed data frame": lambda array: pd.DataFrame(array).astype({0: np.float64, 1: np.float32}),
    "csr": sparse.csr_array,
    "coo": sparse.coo_array,
    "old csc": sparse.csc_matrix,
    "torch": torch.from_numpy,
    "sparse torch": lambda array: torch.from_numpy(array).to_sparse(),
    "strided torch": lambda array: torch.from_numpy(np.repeat(array, 2, 1))[:, ::2],
}
WHOLE = {
    "bool": lambda array: array.astype(bool),
    "uint8": lambda array: array.astype(np.uint8),
    "uint16": lambda array: array.astype(np.uint16),
    "uint64": lambda array: array.astype(np.uint64),
    "int64": lambda array: array.astype(np.int64),
    "big-endian integers": lambda array: array.astype(">i4"),
    "csr of integers": lambda array: sparse.csr_array(array.astype(np.int64)),
    "data frame of bools": lambda array: pd.DataFrame(array.astype(bool)),
    "torch bool": lambda array: torch.from_numpy(array).bool(),
}


@every
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", KINDS | WHOLE)
def test_arrays_of_every_kind_are_taken(make, kind, call):
    model, values = make(), rows()
    # Numbers that float16 has, so that all kinds hold the same.
    values["image"] = values["image"].astype(np.float16).astype(np.float32)
    changed = values | ({"text": WHOLE[kind](values["text"])} if kind in WHOLE else {})
    changed = changed if kind in WHOLE else {name: KINDS[kind](value) for name, value in values.items()}
    options = {} if call == "join" else {"block": 7}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = CALLS[call](model, changed, **options)
    assert isinstance(found, torch.Tensor) == ("torch" in kind or call == "join")
    np.testing.assert_array_equal(found, CALLS[call](model, values, **options))


@every
def test_a_sparse_array_may_be_masked_and_values_that_come_in_stay(make):
    model, values = make(), rows()
    mask = np.arange(N) % 2 == 0
    expected = model.encode(values, observed={"text": mask})
    kept = {name: value.copy() for name, value in values.items()}
    text = sparse.csr_array(values["text"])
    np.testing.assert_array_equal(model.encode(values | {"text": text}, observed={"text": mask}), expected)
    for name, value in kept.items():
        np.testing.assert_array_equal(values[name], value)
    np.testing.assert_array_equal(text.toarray(), kept["text"])


@every
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda x: x.tolist(),
            "modality 'image' is a list; give an array of numpy or torch, a data frame or",
        ),
        (lambda x: "image.npy", "modality 'image' is a str; give an array"),
        (
            lambda x: np.ma.masked_array(x, x > 0.5),
            "'image' is a masked array; fill it, and say by `observed`",
        ),
        (lambda x: x.astype(object), "'image' has entries of type object; give real numbers"),
        (lambda x: x.astype(complex), "'image' has entries of type complex128; give real numbers"),
        (lambda x: torch.from_numpy(x).to(torch.complex64), "'image' has entries of type torch.complex64"),
        (lambda x: x.astype(str), "'image' has entries of type <U32; give real numbers"),
        (lambda x: x[:, :4], r"'image' has shape \(30, 4\) where \(rows, 5\) is needed"),
        (lambda x: pd.DataFrame(x[:, :4]), r"'image' has shape \(30, 4\) where"),
        (lambda x: sparse.csr_array(x[:, :4]), r"'image' has shape \(30, 4\) where"),
        (lambda x: x[0], r"'image' has shape \(5,\) where \(rows, 5\) is needed"),
        (lambda x: x[:, :, None], r"'image' has shape \(30, 5, 1\) where"),
        (lambda x: torch.tensor(1.0), r"'image' has shape \(\) where"),
    ],
)
def test_what_is_no_matrix_of_numbers_is_one_sentence(make, call, wrong, message):
    values = rows()
    with pytest.raises(ShapeError, match=message):
        CALLS[call](make(), values | {"image": wrong(values["image"])})


@every
@pytest.mark.parametrize("call", [*CALLS])
@pytest.mark.parametrize("block", [5, 10, 2000])
def test_unequal_lengths_are_seen_before_blocks_are_made(make, call, block):
    options = {} if call == "join" else {"block": block}
    model, values = three(make), rows() | {"sound": rows(10)["image"]}
    with pytest.raises(
        ShapeError, match=r"unequal numbers of rows: .*(image|sound) \((30|10), 5\), "
    ) as caught:
        CALLS[call](model, values, **options)
    assert "(30, 5)" in str(caught.value) and "(10, 5)" in str(caught.value)


@every
@pytest.mark.parametrize("call", CALLS)
def test_what_is_given_must_be_named_and_be_something(make, call):
    model = make()
    with pytest.raises(ShapeError, match="no modality 'sound'; this model has"):
        CALLS[call](model, rows() | {"sound": None})
    for nothing in ({}, {"text": None, "image": None}):
        with pytest.raises(ShapeError, match="no modality given at all; this model has"):
            CALLS[call](model, nothing)
    with pytest.raises(ShapeError, match="values are a ndarray; give a mapping of .* to arrays"):
        CALLS[call](model, rows()["image"])


@every
def test_an_unknown_target_is_named(make):
    with pytest.raises(ShapeError, match="no modality 'sound'; this model has"):
        make().complete(rows(), "sound")
    with pytest.raises(ShapeError, match="no modality given at all"):
        make().complete({"text": rows()["text"]}, "text")


@every
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy, pd.DataFrame, sparse.csr_array])
def test_what_is_not_finite_is_refused_with_its_row(make, call, number, kind):
    values = rows()
    values["image"][17, 3] = number
    options = {} if call == "join" else {"block": 7}
    with pytest.raises(DataError, match=f"'image' has {number:g} in row 17, column 3; give finite numbers"):
        CALLS[call](make(), values | {"image": kind(values["image"])}, **options)


def test_what_is_infinite_in_the_model_s_precision_is_refused():
    values = {name: value.astype(np.float64) for name, value in rows().items()}
    values["image"][2, 0] = 1e300
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match="'image' has inf in row 2, column 0"):
            encoder().encode(values)


BOUNDS = [
    (mrbm, "image", 16.0, "0 to 1; divide by the largest possible value"),
    (mrbm, "text", -1.0, "0 to 1"),
    (mdrnn, "text", -2.0, "0 or more; give counts"),
    (encoder, "text", -1.0, "0 or more; give counts"),
    (plain_encoder, "image", 255.0, "0 to 1; divide by the largest possible value"),
]


@pytest.mark.parametrize("call", ["encode", "sweep", "join"])
@pytest.mark.parametrize(("make", "name", "number", "message"), BOUNDS)
def test_values_out_of_their_range_are_refused_with_a_hint(make, name, number, message, call):
    values = rows()
    values[name][8, 2] = number
    expected = f"modality '{name}' has {number:g} in row 8, column 2, where values are {message}"
    with pytest.raises(DataError, match=expected):
        CALLS[call](make(), values)
    model, other = make(), next(one for one in values if one != name)
    model.complete(values, name)
    with pytest.raises(DataError, match=expected):
        model.complete(values, other)


def test_values_in_their_range_are_taken():
    values = rows()
    mdrnn().encode({"text": 7 * values["text"], "image": 100 * values["image"] - 50})
    encoder().encode({"text": 7 * values["text"], "image": 100 * values["image"] - 50})
    # What rounding takes past the ends is no mistake.
    mrbm().encode(
        {"text": values["text"] * np.float32(1 + 1e-7), "image": values["image"] - np.float32(1e-8)}
    )
    scaled = Encoder({"text": Counts(), "image": AsStored()}, mdrnn())
    scaled.encode({"text": 7 * values["text"], "image": 100 * values["image"] - 50})
    with pytest.raises(DataError, match="'text' has -7 in row"):
        scaled.encode({"text": -7 * values["text"], "image": values["image"]})


@every
def test_no_rows_give_no_rows(make):
    model = make()
    none = {name: value[:0] for name, value in rows().items()}
    assert model.encode(none).shape == (0, K)
    assert model.encode(none, observed={"text": np.ones(0, bool)}).shape == (0, K)
    assert model.complete(none, "text").shape == (0, 6)
    assert model.encode({"image": none["image"]}, tolerance=0.1).shape == (0, K)


def test_every_error_can_be_shown_to_a_user():
    assert issubclass(ShapeError, MviError) and issubclass(DataError, MviError)
