# SPDX-License-Identifier: MIT
"""`mvi vectors`: the codes of images in files that other programs read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mvi.errors import ConfigError
from mvi.files import atomic


def write_vectors(path: Path, codes: np.ndarray, names: Sequence[str], model: str) -> Path | None:
    """Write codes (n, K) of images `names`: `.parquet` holds both, `.npy` the values alone.

    The names that belong to a `.npy` are written beside it, one a line, into the `.txt` that is returned.

    model: the hash of the model, which the parquet file holds in the metadata of its schema

    Raises `ConfigError` for other names, and where pyarrow, which parquet needs, is not installed.
    """
    if path.suffix == ".npy":
        with atomic(path) as temporary:
            np.save(temporary, codes)
        beside = path.with_suffix(".txt")
        with atomic(beside) as temporary:
            temporary.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
        return beside
    if path.suffix != ".parquet":
        raise ConfigError(f"{path} ends in neither .npy nor .parquet; rename it.")
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigError(
            "Parquet files need the Python package pyarrow (pip install pyarrow); install it, or write .npy."
        ) from error
    vectors = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(codes.ravel()), codes.shape[1])
    table = pyarrow.table({"file": pyarrow.array(list(map(str, names))), "vector": vectors})
    with atomic(path) as temporary:
        parquet.write_table(table.replace_schema_metadata({"mvi_model": model}), temporary)
    return None
