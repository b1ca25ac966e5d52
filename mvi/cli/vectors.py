# SPDX-License-Identifier: MIT
"""`mvi vectors`: the codes of images in files that other programs read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mvi.errors import ConfigError
from mvi.files import atomic


def write_vectors(path: Path, codes: np.ndarray, names: Sequence[str], model: str) -> None:
    """Write codes (n, K): `.npy` holds the values alone, `.parquet` also "file" of each image.

    model: the hash of the model, which the parquet file holds in the metadata of its schema

    Raises `ConfigError` for other names, and where pyarrow, which parquet needs, is not installed.
    """
    if path.suffix == ".npy":
        with atomic(path) as temporary:
            np.save(temporary, codes)
        return
    if path.suffix != ".parquet":
        raise ConfigError(f"{path} ends in neither .npy nor .parquet; rename it.")
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigError(
            "Parquet files need the Python package pyarrow; install it, or write .npy."
        ) from error
    vectors = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(codes.ravel()), codes.shape[1])
    table = pyarrow.table({"file": pyarrow.array(list(map(str, names))), "vector": vectors})
    with atomic(path) as temporary:
        parquet.write_table(table.replace_schema_metadata({"mvi_model": model}), temporary)
