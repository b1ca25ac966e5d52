# SPDX-License-Identifier: MIT
"""Describe a range of images."""

from common import device, start

log = start(snakemake)

import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from mvi.data.catalogue import read_catalogue
from mvi.data.images import open_images
from mvi.features.extract import Descriptors, describe
from mvi.features.networks import NETWORKS
from mvi.features.onnx_network import OnnxNetwork
from mvi.files import read_array, read_sealed, write_arrays

settings = dict(snakemake.params.settings)
kind, batch = settings.pop("kind"), settings.pop("batch")
start_row, stop_row = int(snakemake.wildcards.start), int(snakemake.wildcards.stop)
names = read_catalogue(snakemake.input.catalogue).names[start_row:stop_row]
if kind == "network":
    place, size, columns = "cpu", settings["side"], {}
    name = Path(settings.pop("network")).name
    if name in NETWORKS:
        read_sealed(snakemake.input.network)
    extract = OnnxNetwork(snakemake.input.network, **settings)
    settings |= {"network": name, "output": extract.output}
    digest = extract.sha256
else:
    place = device(snakemake, log)
    words = torch.from_numpy(read_array(snakemake.input.words)).to(place)
    size = settings["picture_size"]
    extract = Descriptors(words, size=size, **{k: v for k, v in settings.items() if k != "picture_size"})
    columns = {name: [part.start, part.stop] for name, part in extract.columns.items()}
    digest = hashlib.sha256(Path(snakemake.input.words).read_bytes()).hexdigest()
rows = range(len(names))
with torch.inference_mode(), open_images(snakemake.input.images, names) as images:
    image, unreadable = describe(images, rows, extract, size=size, batch=batch, device=place)
unreadable += start_row
parts = np.array(list(columns.values()), np.int64).reshape(-1, 2)
described = {
    "names": np.array(names),
    "image": image,
    "unreadable": unreadable,
    "parts": parts,
    "part_names": np.array(list(columns), "U"),
    "features": np.array(json.dumps({"kind": kind, "sha256": digest, **settings}, sort_keys=True)),
}
write_arrays(snakemake.output[0], described)
log.info("%d images, %d of them unreadable", len(rows), len(unreadable))
