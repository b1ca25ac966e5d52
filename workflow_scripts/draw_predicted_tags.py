# SPDX-License-Identifier: MIT
"""Draw images with their true tags and those predicted from the image only."""

from common import start

log = start(snakemake)

from mvi.data.catalogue import read_catalogue
from mvi.data.images import decode, open_images
from mvi.files import read_arrays
from mvi.report.figures.predicted_tags import Prediction, predicted_tags, top_tags

catalogue = read_catalogue(snakemake.input.catalogue)
predictions = []
shown = read_arrays(snakemake.input.shown)
with open_images(snakemake.input.images, catalogue.names) as images:
    for row, probabilities in zip(shown["rows"].tolist(), shown["probabilities"], strict=True):
        words = [catalogue.vocabulary[word] for word in catalogue.text[[row]].indices]
        best = top_tags(probabilities, catalogue.vocabulary, snakemake.params.tags)
        predictions.append(Prediction(decode(images.read(row), snakemake.params.size), words, best))
predicted_tags(predictions).save(snakemake.output[0])
