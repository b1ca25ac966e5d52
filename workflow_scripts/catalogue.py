# SPDX-License-Identifier: MIT
"""Read tags and labels of a set of pictures, without the pictures."""

from common import start

log = start(snakemake)

from mvi.data.catalogue import write_catalogue
from mvi.data.folder import read_folder
from mvi.data.mini import CITATION
from mvi.data.mirflickr import read_mirflickr
from mvi.data.registry import rows

dataset, settings = snakemake.wildcards.dataset, snakemake.params.settings
vocabulary, splits = settings["vocabulary"], settings["splits"]
common = {
    "dataset": dataset,
    "vocabulary_size": vocabulary["size"],
    "minimum_count": vocabulary["minimum_count"],
    "splits": splits["count"],
    "shares": (splits["train"], splits["validation"]),
    "seed": splits["seed"],
}
files = snakemake.input.pictures, snakemake.input.annotations
if dataset == "folder":
    catalogue = read_folder(*files, **common)
elif dataset == "mini":
    own = {"labelled": settings["labelled"], "generated": True, "citation": CITATION}
    catalogue = read_mirflickr(*files, **own, **common)
else:
    citation = next(iter(rows("config/data_registry.csv", dataset).values())).citation
    catalogue = read_mirflickr(*files, citation=citation, **common)
write_catalogue(snakemake.output[0], catalogue)
log.info(
    "%d pictures, %d with labels, %d tags in the vocabulary",
    catalogue.n_rows,
    catalogue.n_labelled,
    len(catalogue.vocabulary),
)
