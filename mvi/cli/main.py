# SPDX-License-Identifier: MIT
"""What the program `mvi` is told, and where it goes. Answers go to stdout, everything else to stderr."""

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from mvi.errors import ConfigError, DataError, MviError

# Stands for the - before a tag that must not be there, which argparse would take for an option.
_NOT = "\0"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 1 after an error, of which one sentence is said."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["search"]:
        given = [_NOT + one[1:] if one[:1] == "-" and one[1:2] not in ("-", "") else one for one in given]
    asked = _parser().parse_args(given)
    try:
        asked.run(asked)
    except MviError as error:
        print(f"mvi: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        print("mvi: stopped; the same command resumes from here.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("mvi", description="Learn your own tags from your own images.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: object, said: str) -> argparse.ArgumentParser:
        one = commands.add_parser(
            name, help=said, description=f"{said[:1].upper()}{said[1:]}.", allow_abbrev=False
        )
        one.set_defaults(run=run)
        one.add_argument("--home", help="folder of collections (default: MVI_HOME, else ./collections)")
        return one

    def asking(name: str, run: object, said: str) -> argparse.ArgumentParser:
        one = command(name, run, said)
        one.add_argument("--name", help="the collection; not needed where there is one")
        return one

    one = command("fit", _fit, "learn from a folder of images and their tags")
    one.add_argument("images", type=Path, help="the folder")
    one.add_argument(
        "table", type=Path, nargs="?", help="CSV with the columns file and tags (with ; between)"
    )
    one.add_argument("--name", help="of the collection (default: that of the folder)")
    one.add_argument(
        "--evaluate", action="store_true", help="evaluate suggestions on images not learned from"
    )
    one.add_argument("--effort", type=float, default=1, help="times as many updates in training (default 1)")
    one.add_argument("--cores", default="all", help="processor cores to use (default all)")

    one = asking("suggest", _suggest, "suggest tags for images")
    one.add_argument("images", nargs="+")
    one.add_argument("--top", type=int, default=5, help="tags an image, at most (default 5)")
    one.add_argument("--threshold", type=float, default=0, help="least probability (default 0)")
    one.add_argument("--csv", action="store_true", help="write CSV: file, tag, probability")
    one.add_argument(
        "--write-xmp",
        action="store_true",
        help="write a sidecar beside each image without one",
    )

    one = asking("search", _search, "find images by tags, -tags and images")
    one.add_argument("query", nargs="+", help="tags, -tags that must not be there, image files")
    one.add_argument("--top", type=int, default=10, help="images (default 10)")
    one.add_argument("--weight", type=float, default=0.5, help="of images beside tags, 0 to 1 (default 0.5)")

    one = asking("vectors", _vectors, "write vectors of images")
    one.add_argument("images", nargs="*", help="image files (default: all of the collection)")
    one.add_argument("--output", type=Path, required=True, help="file that ends in .npy or .parquet")

    one = asking("update", _update, "take up new, changed, renamed and deleted images")
    one.add_argument("--retrain", action="store_true", help="learn anew from all of them")

    one = asking("browse", _browse, "look at a collection in a browser")
    one.add_argument("--port", type=int, default=8000, help="on this computer (default 8000)")
    one.add_argument("--output", type=Path, help="write a page into this file instead, to be kept or sent")

    asking("info", _info, "tell about collections")
    return parser


def _opened(asked: argparse.Namespace):  # type: ignore[no-untyped-def]  # Not imported until it is needed.
    from mvi.collection.collection import open_collection

    collection = open_collection(asked.name, asked.home)
    print(
        f"collection {collection.name}: {len(collection.index.names)} images, "
        f"model {collection.model_hash[:8]}",
        file=sys.stderr,
    )
    return collection


def _fit(asked: argparse.Namespace) -> None:
    from mvi.cli.fit import fit

    name = asked.name or asked.images.expanduser().resolve().name
    options = {"home": asked.home, "evaluate": asked.evaluate, "effort": asked.effort, "cores": asked.cores}
    print(*fit(asked.images, asked.table, name, **options)[1], sep="\n")


def _suggest(asked: argparse.Namespace) -> None:
    if asked.write_xmp and not asked.threshold:
        raise ConfigError(
            "--write-xmp needs a --threshold: the least probability of tags worth keeping, such as 0.3."
        )
    collection = _opened(asked)
    found = collection.suggest(asked.images, asked.top)
    kept = [
        [(tag, probability) for tag, probability in own if probability >= asked.threshold] for own in found
    ]
    if asked.csv:
        rows = csv.writer(sys.stdout)
        rows.writerow(("file", "tag", "probability"))
        rows.writerows(
            (image, tag, f"{probability:.4f}")
            for image, own in zip(asked.images, kept, strict=True)
            for tag, probability in own
        )
    else:
        for image, own in zip(asked.images, kept, strict=True):
            print(image, *(f"{tag} {probability:.2f}" for tag, probability in own), sep="\t")
    if asked.write_xmp:
        _write_sidecars(asked.images, kept)


def _write_sidecars(images: Sequence[str], found: Sequence[Sequence[tuple[str, float]]]) -> None:
    from mvi.collection.keywords import keywords_of, write_sidecar

    for image, own in zip(images, found, strict=True):
        path = Path(image)
        try:
            if not own:
                print(f"{image}: no tag is likely enough, nothing is written", file=sys.stderr)
            elif keywords_of(path):
                print(f"{image}: has keywords, nothing is written", file=sys.stderr)
            else:
                print(f"written: {write_sidecar(path, [tag for tag, _ in own])}", file=sys.stderr)
        except (DataError, OSError) as error:
            print(f"{image}: {error}", file=sys.stderr)


def _search(asked: argparse.Namespace) -> None:
    terms = ["-" + term[1:] if term.startswith(_NOT) else term for term in asked.query]
    for name, cosine in _opened(asked).search(terms, asked.top, asked.weight):
        print(f"{cosine:.3f}\t{name}")


def _vectors(asked: argparse.Namespace) -> None:
    from mvi.cli.vectors import write_vectors

    collection = _opened(asked)
    codes = collection.vectors(asked.images or None)
    names = asked.images or collection.index.names
    beside = write_vectors(asked.output, codes, names, collection.model_hash)
    of = f", of the files in {beside}" if beside else ""
    print(f"{asked.output}: {codes.shape[0]} vectors of {codes.shape[1]} dimensions{of}")


def _update(asked: argparse.Namespace) -> None:
    collection = _opened(asked)
    changes = collection.update()
    for file, reason in changes.refused.items():
        print(f"left out: {file} {reason}", file=sys.stderr)
    print(
        f"{changes.new} new, {changes.changed} changed, {changes.renamed} renamed, {changes.gone} gone, "
        f"{changes.retagged} with other tags"
    )
    index = collection.index
    print(f"{len(index.names)} images, {sum(map(bool, index.tags))} with tags")
    if asked.retrain:
        from mvi.cli.fit import fit

        table, home = index.about["table"], str(collection.folder.parent)
        _, said = fit(
            collection.images, table and Path(table), collection.folder.name, home=home, known=index
        )
        print(*said, sep="\n")


def _browse(asked: argparse.Namespace) -> None:
    from mvi.cli.browse import serve, write_page

    collection = _opened(asked)
    if asked.output:
        write_page(asked.output, collection)
        print(asked.output)
    else:
        serve(collection, asked.port)


def _info(asked: argparse.Namespace) -> None:
    from mvi.cli.info import about
    from mvi.collection.collection import names_in, open_collection

    names = [asked.name] if asked.name else names_in(asked.home)
    if not names:
        open_collection(None, asked.home)
    for name in names:
        print(about(open_collection(name, asked.home)))
