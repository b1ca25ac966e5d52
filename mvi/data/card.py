# SPDX-License-Identifier: MIT
"""The data card: what a set of tagged images holds, counted, and which of its images are the same.

The images are read once. Two are exact duplicates if their files agree byte for byte, and near
duplicates if their perceptual hashes differ in few bits (signs of the lowest frequencies of a small grey
image's discrete cosine transform against their median; Zauner 2010) and their small colour images
differ little: images of little structure, such as skies, have hashes that agree by chance.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import fft, sparse
from scipy.sparse import csgraph

from mvi.data.catalogue import Catalogue
from mvi.data.images import Images, read_image
from mvi.errors import DamageError, DataError, ShapeError
from mvi.text import table_cell

# Sides of the grey image that is transformed, of the block of frequencies kept, and of the colour
# image that is compared.
_SIDE, _FREQUENCIES, _THUMB = 32, 8, 8
_BITS = _FREQUENCIES**2 - 1
_BLOCK = 1024
_GREY = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Fingerprints:
    """What one pass over n images keeps of each.

    `digests`: n sha256 digests; `bits` (n, 63) bool, the perceptual hash; `thumbs` (n, 192) float32 in
    [0, 1], 8 x 8 colour images; `grey` (n,) bool, no colour anywhere; `guessed` (n,) bool, the file does
    not say which value is white; `sound` (n,) bool, could be decoded (what could not has zeros elsewhere);
    `sizes` (n,) int64 bytes.
    """

    digests: list[bytes]
    bits: np.ndarray
    thumbs: np.ndarray
    grey: np.ndarray
    guessed: np.ndarray
    sound: np.ndarray
    sizes: np.ndarray


def fingerprints(images: Images) -> Fingerprints:
    """Read every image once; about 1 KB an image is kept. Those that cannot be read are noted."""
    n = len(images)
    result = Fingerprints(
        digests=[],
        bits=np.zeros((n, _BITS), bool),
        thumbs=np.zeros((n, 3 * _THUMB**2), np.float32),
        grey=np.zeros(n, bool),
        guessed=np.zeros(n, bool),
        sound=np.zeros(n, bool),
        sizes=np.zeros(n, np.int64),
    )
    for start in range(0, n, _BLOCK):
        rows, small = [], []
        for i in range(start, min(n, start + _BLOCK)):
            try:
                data = images.read(i)
            except DamageError:
                raise
            except DataError:
                # A digest that no file has, and no other unreadable row.
                result.digests.append(b"unreadable %d" % i)
                continue
            result.digests.append(hashlib.sha256(data).digest())
            result.sizes[i] = len(data)
            try:
                decoded = read_image(data, _SIDE)
            except DataError:
                continue
            small.append(decoded.pixels)
            result.guessed[i] = decoded.guessed is not None
            rows.append(i)
        if rows:
            pixels = np.stack(small)
            result.sound[rows] = True
            result.grey[rows] = (pixels == pixels[..., :1]).all(axis=(1, 2, 3))
            result.bits[rows], result.thumbs[rows] = _hashed(pixels)
    return result


def _hashed(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hash and colour image of `pixels` (n, 32, 32, 3) uint8."""
    values = pixels.astype(np.float32) / 255
    low = fft.dctn(values @ _GREY, axes=(1, 2), norm="ortho")[:, :_FREQUENCIES, :_FREQUENCIES]
    # Without the mean; rounded, so that a flat image's bits are not those of rounding errors.
    low = low.reshape(len(low), -1)[:, 1:].round(4)
    bits = low > np.median(low, axis=1, keepdims=True)
    cells = values.reshape(len(values), _THUMB, _SIDE // _THUMB, _THUMB, _SIDE // _THUMB, 3)
    return bits, cells.mean(axis=(2, 4)).reshape(len(values), -1)


def exact_duplicates(prints: Fingerprints) -> list[np.ndarray]:
    """Groups of rows whose files agree byte for byte, each ascending, by their first row."""
    rows = defaultdict(list)
    for i, digest in enumerate(prints.digests):
        rows[digest].append(i)
    return [np.array(group) for group in rows.values() if len(group) > 1]


def near_duplicates(
    prints: Fingerprints, max_bits: int = 8, max_difference: float = 0.04
) -> list[np.ndarray]:
    """Groups of rows whose images look the same, exact duplicates among them.

    Two rows belong together if their hashes differ in at most `max_bits` of 63 bits and the pixels of
    their 8 x 8 colour images by at most `max_difference` (of 1) on average, or if rows in between do.
    The defaults find an image saved again at lower quality, half the size or more contrast, and most that
    lost 5 % of their edges, but few that were made brighter. The cost is quadratic in the number of
    images: 3 s of one core for 25,000.
    """
    sound = np.flatnonzero(prints.sound)
    pairs = [
        pair
        for pair in _close(prints.bits[sound], prints.thumbs[sound], max_bits, max_difference)
        if len(pair)
    ]
    ends = sound[np.concatenate(pairs)] if pairs else np.zeros((0, 2), np.int64)
    n = len(prints.sound)
    links = sparse.coo_array((np.ones(len(ends)), ends.T), shape=(n, n))
    _, group = csgraph.connected_components(links, directed=False)
    order = np.argsort(group, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
    return sorted((rows for rows in groups if len(rows) > 1), key=lambda rows: rows[0])


def _close(
    bits: np.ndarray, thumbs: np.ndarray, max_bits: int, max_difference: float
) -> Iterator[np.ndarray]:
    """Pairs (m, 2) of close rows, the lower first, block by block."""
    signs = np.where(bits, np.float32(1), np.float32(-1))
    for start in range(0, len(signs), _BLOCK):
        pieces = []
        # A block of columns at a time too, so that the memory does not grow with their number.
        for column in range(start, len(signs), _BLOCK):
            # The product counts bits that agree less those that do not.
            agreeing = signs[start : start + _BLOCK] @ signs[column : column + _BLOCK].T
            near = np.argwhere((_BITS - agreeing) / 2 <= max_bits)
            pieces.append(near + np.array([start, column]))
        pairs = np.concatenate(pieces)
        first, second = pairs[pairs[:, 0] < pairs[:, 1]].T
        for some in range(0, len(first), 2**16):
            a, b = first[some : some + 2**16], second[some : some + 2**16]
            same = np.abs(thumbs[a] - thumbs[b]).mean(axis=1) <= max_difference
            yield np.stack([a[same], b[same]], axis=1)


def data_card(
    catalogue: Catalogue,
    images: Images | None = None,
    *,
    max_bits: int = 8,
    max_difference: float = 0.04,
    examples: int = 10,
    near_up_to: int = 100_000,
) -> dict[str, Any]:
    """Count what `catalogue` holds and, where `images` are given, what is the same among them.

    `images` has the catalogue's rows; `max_bits` and `max_difference` are those of `near_duplicates`;
    at most `examples` groups of duplicates, images that do not decode, and frequent tags are named. Near
    duplicates are looked for among at most `near_up_to` images, since the time grows with their square.
    The result can be written as JSON. Raises `ShapeError` where the rows differ in number.
    """
    tagged = np.diff(catalogue.text.indptr)
    tag_counts = np.bincount(catalogue.text.indices, minlength=len(catalogue.vocabulary))
    labels, labelled = catalogue.labels, catalogue.n_labelled
    frequent = np.argsort(-tag_counts, kind="stable")[:examples]
    card: dict[str, Any] = {
        "dataset": catalogue.dataset,
        "generated": catalogue.generated,
        "citation": catalogue.citation,
        "pictures": catalogue.n_rows,
        "labelled": labelled,
        "unlabelled": catalogue.n_rows - labelled,
        "classes": len(catalogue.classes),
        "labels": int(labels.sum()),
        "without_label": int((labels.sum(axis=1) == 0).sum()),
        "label_counts": dict(zip(catalogue.classes, labels.sum(axis=0, dtype=int).tolist(), strict=True)),
        "vocabulary": len(catalogue.vocabulary),
        "tags": int(tagged.sum()),
        "untagged": int((tagged == 0).sum()),
        "untagged_labelled": int((tagged[:labelled] == 0).sum()),
        "pictures_by_tags": np.bincount(tagged).tolist(),
        "frequent_tags": {catalogue.vocabulary[i]: int(tag_counts[i]) for i in frequent},
        "splits": {
            str(number): {part: len(rows) for part, rows in split.items()}
            for number, split in catalogue.splits.items()
        },
    }
    if images is None:
        return card
    if len(images) != catalogue.n_rows:
        raise ShapeError(
            f"There are {len(images)} images and {catalogue.n_rows} rows in the catalogue of "
            f"{catalogue.dataset!r}; make the catalogue again."
        )
    prints = fingerprints(images)
    exact, near = exact_duplicates(prints), []
    compared = catalogue.n_rows <= near_up_to
    if compared:
        near = near_duplicates(prints, max_bits, max_difference)
    bad = np.flatnonzero(~prints.sound)
    return card | {
        "bytes": int(prints.sizes.sum()),
        "grey": int(prints.grey.sum()),
        "guessed": int(prints.guessed.sum()),
        "undecodable": len(bad),
        "undecodable_examples": [catalogue.names[i] for i in bad[:examples]],
        "exact_duplicates": _group_counts(exact, catalogue.names, examples),
        "near_duplicates": _group_counts(near, catalogue.names, examples)
        | {"max_bits": max_bits, "max_difference": max_difference}
        if compared
        else None,
        "test_rows_seen": {
            str(number): _seen(split, exact + near) for number, split in catalogue.splits.items()
        },
    }


def _group_counts(groups: Sequence[np.ndarray], names: Sequence[str], examples: int) -> dict[str, Any]:
    """How many groups, how many images would go if one of each stayed, and the largest groups."""
    largest = sorted(groups, key=lambda rows: (-len(rows), rows[0]))[:examples]
    return {
        "groups": len(groups),
        "superfluous": sum(len(rows) - 1 for rows in groups),
        "largest": max(map(len, groups), default=0),
        "examples": [[names[i] for i in rows[:examples]] for rows in largest],
    }


def _seen(split: dict[str, np.ndarray], groups: Sequence[np.ndarray]) -> int:
    """Number of test rows that have a duplicate among the training or validation rows."""
    trained = np.concatenate([split["train"], split["validation"]])
    seen = [rows[np.isin(rows, split["test"])] for rows in groups if np.isin(rows, trained).any()]
    return len(np.unique(np.concatenate(seen))) if seen else 0


_LINES = {
    "pictures": "Images",
    "labelled": "with labels",
    "unlabelled": "without labels",
    "classes": "Classes",
    "without_label": "Labelled images to which none applies",
    "vocabulary": "Tags of the vocabulary",
    "untagged": "Images without a tag of the vocabulary",
    "untagged_labelled": "of them with labels",
    "grey": "Greyscale images",
    "guessed": "Images whose files do not say which value is white",
    "undecodable": "Images that do not decode",
}


def card_markdown(card: dict[str, Any]) -> str:
    """The counts of a card as a Markdown table for readers."""
    source = f"`{card['dataset']}`" + (", generated by a program" if card["generated"] else "")
    lines = [("Data set", source)]
    left_out = [] if card["labelled"] else ["labelled", "classes", "without_label", "untagged_labelled"]
    # Of ordinary images there is nothing to say.
    left_out += [] if card.get("guessed") else ["guessed"]
    shown = {key: title for key, title in _LINES.items() if key in card and key not in left_out}
    lines += [(title, f"{card[key]:,}") for key, title in shown.items()]
    if card["labelled"]:
        lines.append(("Labels per labelled image", f"{card['labels'] / card['labelled']:.3f}"))
    tagged = card["pictures"] - card["untagged"]
    lines.append(("Tags per tagged image", f"{card['tags'] / max(1, tagged):.3f}"))
    frequent = ", ".join(f"{tag} {count:,}" for tag, count in card["frequent_tags"].items())
    lines.append(("Most frequent tags", frequent))
    for kind in ("exact", "near"):
        if (groups := card.get(f"{kind}_duplicates")) is not None:
            text = f"{groups['superfluous']:,} in {groups['groups']:,} groups, at most {groups['largest']:,}"
            lines.append((f"{kind.capitalize()} duplicates beyond the first of a group", f"{text} alike"))
    if card.get("test_rows_seen"):
        seen = ", ".join(map(str, card["test_rows_seen"].values()))
        lines.append(("Test images with a duplicate among those trained on, split by split", seen))
    width = max(len(name) for name, _ in lines)
    rows = [f"| {name.ljust(width)} | {table_cell(value)} |\n" for name, value in lines]
    return f"| {'what'.ljust(width)} | |\n| {'-' * width} | - |\n" + "".join(rows)
