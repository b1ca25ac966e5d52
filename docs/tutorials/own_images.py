# SPDX-License-Identifier: MIT
"""Your images in ten lines.

    .venv/bin/python docs/tutorials/own_images.py IMAGES NEW.jpg

IMAGES is a folder of images with tags: in text files beside them, in keywords, or as names of folders. Some
minutes for some thousand images the first time, and only what is new after that.
"""

import sys
from pathlib import Path

from mvi.cli.fit import fit
from mvi.collection.collection import Collection


def ask(collection: Collection, new: Path) -> None:
    """What a collection says of an image that it does not know."""
    print("tags that suit it:", collection.suggest([new], k=3)[0])
    print("images like it:", collection.search([new], k=3))
    tag = collection.index.vocabulary[0]
    print(f"images like it with {tag}:", collection.search([new, tag], k=3))
    print(
        f"images with {tag} and not like it:",
        collection.search([tag, f"-{collection.index.vocabulary[-1]}"], k=3),
    )
    print(
        "what the model sees, and its code:",
        collection.describe([new]).shape,
        collection.vectors([new]).shape,
    )


def main() -> None:
    """Fit and ask."""
    collection, said = fit(Path(sys.argv[1]), None, "tutorial")
    print(*said, sep="\n")
    ask(collection, Path(sys.argv[2]))


if __name__ == "__main__":
    main()
