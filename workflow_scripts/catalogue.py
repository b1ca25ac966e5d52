# SPDX-License-Identifier: MIT
"""Read tags and labels of a set of pictures, without the pictures."""

from common import start

log = start(snakemake)

from mvi.data.catalogue import write_catalogue
from mvi.data.readers.folder import read_folder
from mvi.data.readers.mirflickr import read_mirflickr
from mvi.errors import DataError
from mvi.synthetic.truth import CITATION

dataset, params = snakemake.wildcards.dataset, snakemake.params
splits = params.rows["splits"]
common = {
    "dataset": dataset,
    "vocabulary_size": params.vocabulary["size"],
    "minimum_count": params.vocabulary["minimum_count"],
    "splits": splits["count"],
    "shares": (splits["train"], splits["validation"]),
    "seed": splits["seed"],
}
files = snakemake.input.pictures, snakemake.input.annotations
if dataset == "folder":
    catalogue = read_folder(*files, **common)
elif dataset == "mini":
    own = {"labelled": params.rows["labelled"], "generated": True, "citation": CITATION}
    catalogue = read_mirflickr(*files, **own, **common)
else:
    catalogue = read_mirflickr(*files, citation=params.citation, **common)
if catalogue.n_rows != params.pictures:
    raise DataError(
        f"{snakemake.input.pictures} holds {catalogue.n_rows} pictures, and jobs are planned for "
        f"{params.pictures}; set data.{dataset}.pictures to what it holds."
    )
write_catalogue(snakemake.output[0], catalogue)
log.info(
    "%d pictures, %d with labels, %d tags in the vocabulary",
    catalogue.n_rows,
    catalogue.n_labelled,
    len(catalogue.vocabulary),
)
