# SPDX-License-Identifier: MIT
"""Put the blocks of descriptors and what the catalogue knows into one store."""

from common import start

log = start(snakemake)

import json
from pathlib import Path

from mvi.data.catalogue import read_catalogue
from mvi.data.store_writer import Dense, Sparse, writing_store
from mvi.errors import DataError
from mvi.files import read_arrays

catalogue = read_catalogue(snakemake.input.catalogue)
unreadable, first_row, made_by = [], 0, set()
for path in snakemake.input.blocks:
    block = read_arrays(path)
    names = block["names"].tolist()
    if names != catalogue.names[first_row : first_row + len(names)]:
        raise DataError(f"{path} describes other images than the catalogue's; delete it and run again.")
    first_row += len(names)
    unreadable += block["unreadable"].tolist()
    made_by.add(block["features"].item())
    columns = block["image"].shape[1]
    parts = dict(zip(block["part_names"].tolist(), block["parts"].tolist(), strict=True))
if len(made_by) != 1:
    raise DataError(
        f"The blocks of features of {catalogue.dataset!r} were not all made alike; delete their folder, "
        f"{Path(snakemake.input.blocks[0]).parent}, and run again."
    )
if len(unreadable) > snakemake.params.unreadable * catalogue.n_rows:
    some = ", ".join(catalogue.names[row] for row in unreadable[:5])
    raise DataError(
        f"{len(unreadable)} of the {catalogue.n_rows} images of {catalogue.dataset!r} are unreadable, such "
        f"as {some}; mend them, or raise features.unreadable in the config."
    )
if unreadable:
    log.warning("%d images are unreadable and are described as grey ones", len(unreadable))
first_row = 0
with writing_store(
    snakemake.output[0],
    dataset=catalogue.dataset,
    n_rows=catalogue.n_rows,
    modalities={
        "image": Dense(columns, snakemake.params.precision),
        "text": Sparse(len(catalogue.vocabulary)),
    },
    generated=catalogue.generated,
    citation=catalogue.citation,
    attributes={"descriptors": parts, "unreadable": unreadable, "features": json.loads(made_by.pop())},
    statistics=["image"],
) as writer:
    writer.annotate(
        labels=catalogue.labels,
        known=catalogue.known,
        classes=catalogue.classes,
        splits=catalogue.splits,
        ids=catalogue.ids,
        vocabulary=catalogue.vocabulary,
    )
    writer.write("text", 0, catalogue.text)
    for path in snakemake.input.blocks:
        image = read_arrays(path)["image"]
        writer.write("image", first_row, image)
        first_row += len(image)
