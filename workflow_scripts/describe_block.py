# SPDX-License-Identifier: MIT
"""Describe a range of pictures."""

from common import device, start

log = start(snakemake)

import numpy as np
import torch

from mvi.data.catalogue import read_catalogue
from mvi.data.pictures import open_pictures
from mvi.features.cnn import SIDE, Cnn
from mvi.features.extract import Descriptors, describe
from mvi.files import read_array, write_arrays

settings = dict(snakemake.params.settings)
place, kind, batch = device(snakemake, log), settings.pop("kind"), settings.pop("batch")
start_row, stop_row = int(snakemake.wildcards.start), int(snakemake.wildcards.stop)
names = read_catalogue(snakemake.input.catalogue).names[start_row:stop_row]
if kind == "cnn":
    extract, size, columns = Cnn(snakemake.input.weights, place), SIDE, {}
else:
    words = torch.from_numpy(read_array(snakemake.input.words)).to(place)
    size = settings.pop("picture_size")
    extract = Descriptors(words, size=size, **settings)
    columns = {name: [part.start, part.stop] for name, part in extract.columns.items()}
rows = range(len(names))
with torch.inference_mode(), open_pictures(snakemake.input.images, names) as pictures:
    image, unreadable = describe(pictures, rows, extract, size=size, batch=batch, device=place)
unreadable += start_row
parts = np.array(list(columns.values()), np.int64).reshape(-1, 2)
described = {
    "names": np.array(names),
    "image": image,
    "unreadable": unreadable,
    "parts": parts,
    "part_names": np.array(list(columns), "U"),
}
write_arrays(snakemake.output[0], described)
log.info("%d pictures, %d of them unreadable", len(rows), len(unreadable))
