# SPDX-License-Identifier: MIT
"""Learn visual words from unlabelled images and from those that are training rows of every split."""

from common import device, start

log = start(snakemake)

from mvi.data.catalogue import read_catalogue
from mvi.data.images import open_images
from mvi.features.clusters import learn_words
from mvi.features.words import rows_for_words, sample_for_words
from mvi.files import write_array

settings = dict(snakemake.params.settings)
count, seed, epochs = settings.pop("words"), settings.pop("seed"), settings.pop("epochs")
catalogue = read_catalogue(snakemake.input.catalogue)
rows = rows_for_words(catalogue, settings.pop("images"), seed)
with open_images(snakemake.input.images, catalogue.names) as images:
    sample = sample_for_words(
        images,
        rows,
        size=snakemake.params.size,
        batch=snakemake.params.batch,
        seed=seed,
        device=device(snakemake, log),
        **settings,
    )
log.info("%d words from %d patches of %d images", count, len(sample), len(rows))
words = learn_words(sample, count, seed=seed, epochs=epochs)
write_array(snakemake.output[0], words)
