# SPDX-License-Identifier: MIT
"""Take the features of a range of images from a user's file."""

from common import start

log = start(snakemake)

import json
from pathlib import Path

import numpy as np

from mvi.data.catalogue import read_catalogue
from mvi.features.feature_file import features_of
from mvi.files import read_json, write_arrays

path = Path(snakemake.input.features)
catalogue = read_catalogue(snakemake.input.catalogue)
rows = range(int(snakemake.wildcards.start), int(snakemake.wildcards.stop))
image = features_of(path, catalogue.names, catalogue.ids.tolist(), rows, snakemake.params.columns)
known = read_json(snakemake.input.facts)
facts = {"kind": "file", "file": known["file"], "sha256": known["digest"], "columns": image.shape[1]}
taken = {
    "names": np.array(catalogue.names[rows.start : rows.stop]),
    "image": image,
    "unreadable": np.empty(0, np.int64),
    "parts": np.empty((0, 2), np.int64),
    "part_names": np.empty(0, "U1"),
    "features": np.array(json.dumps(facts, sort_keys=True)),
}
write_arrays(snakemake.output[0], taken)
log.info("%d rows of %d columns from %s (SHA-256 %s)", *image.shape, path, facts["sha256"])
