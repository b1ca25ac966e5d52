# SPDX-License-Identifier: MIT
"""Describe a range of pictures."""

from common import device, start

log = start(snakemake)

import numpy as np
import torch

from mvi.data.catalogue import read_catalogue
from mvi.data.pictures import open_pictures
from mvi.features.cnn import Cnn
from mvi.features.extract import Descriptors, describe
from mvi.files import atomic

settings = snakemake.params.settings
place, size = device(snakemake, log), settings["picture_size"]
names = read_catalogue(snakemake.input.catalogue).names
rows = range(int(snakemake.wildcards.start), int(snakemake.wildcards.stop))
if settings["kind"] == "cnn":
    extract, columns = Cnn(snakemake.input.weights, place), {}
else:
    words = torch.from_numpy(np.load(snakemake.input.words, allow_pickle=False)).to(place)
    phow = {key: settings["phow"][key] for key in ("scales", "step")}
    extract = Descriptors(words, size=size, gist=settings["gist"], phow=phow)
    columns = {name: [part.start, part.stop] for name, part in extract.columns.items()}
with torch.inference_mode(), open_pictures(snakemake.input.pictures, names) as pictures:
    image, unreadable = describe(pictures, rows, extract, size=size, batch=settings["batch"], device=place)
with atomic(snakemake.output[0]) as temporary, temporary.open("wb") as file:
    parts = np.array(list(columns.values()), np.int64).reshape(-1, 2)
    np.savez(file, image=image, unreadable=unreadable, parts=parts, part_names=np.array(list(columns), "U"))
log.info("%d pictures, %d of them unreadable", len(rows), len(unreadable))
