# SPDX-License-Identifier: MIT
"""Features that a user brings: whose each row is, and what is wrong with a file in one sentence."""

import h5py
import numpy as np
import pytest

from mvi.errors import DataError
from mvi.features.feature_file import features_of

NAMES = ["pictures/b.jpg", "pictures/a.jpg", "pictures/c.jpg", "pictures/d.jpg"]
IDS = [7, 3, 9, 11]
MATRIX = np.arange(12).reshape(4, 3) / 7


def written(folder, features=MATRIX, names=None, **more):
    path = folder / "own.h5"
    with h5py.File(path, "w") as file:
        for key, value in {"features": features, "names": names, **more}.items():
            if value is not None:
                file[key] = value
    return path


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "uint8"])
def test_without_names_rows_have_the_order_of_the_images(tmp_path, kind):
    matrix = (MATRIX * 21).astype(kind)
    np.save(tmp_path / "own.npy", matrix)
    for path in (tmp_path / "own.npy", written(tmp_path, matrix)):
        found = features_of(path, NAMES, IDS, range(1, 3), 3)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, matrix[1:3].astype(np.float32))


@pytest.mark.parametrize("called", [NAMES, list(map(str, IDS))])
def test_rows_are_found_by_names_or_ids_among_others(tmp_path, called):
    order = [2, 0, 3, 1]
    matrix = np.vstack([[[5, 5, 5]], MATRIX[order]])
    path = written(tmp_path, matrix, ["another", *(called[i] for i in order)])
    np.testing.assert_array_equal(features_of(path, NAMES, IDS, range(4)), MATRIX.astype(np.float32))
    np.testing.assert_array_equal(features_of(path, NAMES, IDS, range(2, 4)), MATRIX[2:].astype(np.float32))


def spoilt(value):
    matrix = MATRIX.copy()
    matrix[2, 1] = value
    return matrix


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"features": MATRIX[:3]}, "has 3 rows for 4 images of the data set; give one row for each"),
        ({"names": NAMES[:3]}, "has 4 rows for 3 names in it"),
        ({"names": [*NAMES[:3], "x"]}, "lacks 1 of the 4 images, such as 'pictures/d.jpg', and has"),
        ({"names": [*NAMES[:3], NAMES[1]]}, "has the name 'pictures/a.jpg' twice"),
        ({"names": IDS}, "has 'names' that are no list of texts; give one text for each row"),
        ({"names": [[name] for name in NAMES]}, "has 'names' that are no list of texts"),
        ({"names": "abcd"}, "has 'names' that are no list of texts"),
        ({"names/of": IDS}, "has 'names' that are no list of texts"),
        ({"names": np.array([b"\xe9"] * 4)}, "cannot be read as a file of features"),
        ({"features": MATRIX[:, :2]}, "has 2 columns, but features.columns in the config is 3"),
        ({"features": spoilt(np.nan)}, "not finite in the row of 'pictures/c.jpg'"),
        ({"features": spoilt(1e39)}, "not finite in the row of 'pictures/c.jpg', or too large for float32"),
        ({"features": h5py.Empty("f4")}, "has features float32 None; they must be a matrix"),
        ({"features": None, "fc7": MATRIX}, "has no array 'features'; write"),
        ({"features": MATRIX[0]}, r"has features float64 \(3,\); they must be a matrix"),
        ({"features": MATRIX > 1}, "has features bool"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_sentence(tmp_path, content, said):
    with pytest.raises(DataError, match=said) as error:
        features_of(written(tmp_path, **content), NAMES, IDS, range(4), 3)
    assert str(error.value).endswith(".") and "\n" not in str(error.value)


@pytest.mark.parametrize("ending", ["npy", "h5"])
def test_a_file_that_is_none_is_one_sentence(tmp_path, ending):
    path = tmp_path / f"own.{ending}"
    for content in (None, b"", b"no numbers at all", np.array([{}, 1], object), {"features": MATRIX}):
        if isinstance(content, dict):
            np.savez(tmp_path / "more.npz", **content)
            (tmp_path / "more.npz").rename(path)
        elif isinstance(content, np.ndarray):
            np.save(path.with_suffix(".npy"), content)
        elif content is not None:
            path.write_bytes(content)
        with pytest.raises(DataError, match="cannot be read as a file of features"):
            features_of(path, NAMES, IDS, range(4))
