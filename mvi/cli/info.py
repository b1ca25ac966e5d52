# SPDX-License-Identifier: MIT
"""`mvi info`: what a collection holds and what its model is good for."""

from collections import Counter

from mvi.cli.verdict import verdict
from mvi.collection.collection import Collection

SHOWN = 12


def about(collection: Collection) -> str:
    """Some lines on a collection."""
    index = collection.index
    counts = Counter(tag for own in index.tags for tag in own)
    tagged = sum(map(bool, index.tags))
    common = ", ".join(f"{tag} ({count})" for tag, count in counts.most_common(SHOWN))
    return "\n".join(
        [
            f"{collection.name} ({collection.folder})",
            f"  images       {len(index.names)} in {index.about['pictures']}, {tagged} with tags",
            f"  tags from    {index.about['table'] or index.about['place']}",
            f"  known tags   {len(index.vocabulary)}; commonest: {common}",
            f"  described by {index.about['network']}",
            f"  model        {collection.model_hash}, codes of {index.codes.shape[1]} dimensions",
            f"  learned      {verdict(index.about['learned'])}",
        ]
    )
