# SPDX-License-Identifier: MIT
"""Read tags and labels of a set of images, without the images."""

from common import start

log = start(snakemake)

from pkgutil import resolve_name

from mvi.data.catalogue import write_catalogue
from mvi.errors import DataError

params, raw = snakemake.params, dict(snakemake.input.items())
catalogue = resolve_name(params.read)(raw, params.settings, **params.about)
if catalogue.n_rows != params.rows:
    raise DataError(
        f"{raw['images']} holds {catalogue.n_rows} images, and jobs are planned for {params.rows}; set the "
        f"number under data.{catalogue.dataset} to what it holds, or run again if it changed meanwhile."
    )
write_catalogue(snakemake.output[0], catalogue)
log.info(
    "%d images, %d with labels, %d tags in the vocabulary",
    catalogue.n_rows,
    catalogue.n_labelled,
    len(catalogue.vocabulary),
)
