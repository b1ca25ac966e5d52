# SPDX-License-Identifier: MIT
"""Count what a set of images holds, look for duplicates, and draw it."""

from common import start

log = start(snakemake)

import numpy as np
from PIL import Image

from mvi.data.card import card_markdown, data_card
from mvi.data.catalogue import read_catalogue
from mvi.data.images import decode, open_images
from mvi.errors import DamageError, DataError
from mvi.files import write_json, write_sealed
from mvi.report.figures import card as figures
from mvi.report.figures import style

settings, output = dict(snakemake.params.settings), snakemake.output
seed, sheet, size, coarse = (settings.pop(key) for key in ("seed", "sheet", "image_size", "coarse"))
catalogue = read_catalogue(snakemake.input.catalogue)
shown, captions = [], []
with open_images(snakemake.input.images, catalogue.names) as images:
    card = data_card(catalogue, images, **settings)
    order = np.random.default_rng(seed).permutation(catalogue.n_rows)
    for row in order:
        if len(shown) == sheet:
            break
        try:
            shown.append(decode(images.read(int(row)), size))
        except DamageError:
            raise
        except DataError:
            continue
        captions.append([catalogue.vocabulary[word] for word in catalogue.text[[row]].indices])
if not shown:
    raise DataError(f"No image in {snakemake.input.images} can be read; see that they are images.")
write_json(output.json, card)
write_sealed(output.md, card_markdown(card).encode())
tagged = (catalogue.text > 0).astype(int)
style.save(
    figures.tags(tagged.sum(axis=0), catalogue.vocabulary, tagged.sum(axis=1), labelled=catalogue.n_labelled),
    output.tags,
    output.tags_svg,
)
figures.save_png(figures.contact_sheet(np.stack(shown), captions), output.sheet)
# What may be shown of images that belong to others, and show people: too few pixels to recognise anything.
blurred = np.stack(
    [np.asarray(Image.fromarray(one).resize((coarse, coarse), Image.Resampling.BOX)) for one in shown]
)
figures.save_png(figures.contact_sheet(blurred, None), output.coarse)
most = catalogue.labels.sum(axis=1).max(initial=0)
for name, draw, least, said in (
    ("labels", figures.label_counts, 1, "No image has a label."),
    ("together", figures.cooccurrence, 2, "No image has two labels."),
):
    figure = draw(catalogue.labels, catalogue.classes) if most >= least else style.notice(said)
    style.save(figure, output[name], output[f"{name}_svg"])
