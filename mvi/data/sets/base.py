# SPDX-License-Identifier: MIT
"""What the workflow, the tables and the figures know of a data set: its record.

What jobs run (a painter, a reader, a metric) is named by an *entry point*, `package.module:function`, which
`pkgutil.resolve_name` loads. So a record imports nothing that computes and may name what stands in a layer
above it, and the code hash of a job holds the module that the job runs and not the record: another title
makes no store again.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mvi.errors import ConfigError

Settings = Mapping[str, Any]
"""The settings of one data set, complete: each key of `DataSet.settings`."""

ERROR_RATE = {"error": "mvi.evaluation.metrics:error_rate"}
MEAN_AVERAGE_PRECISION = {
    "map_interpolated": "mvi.evaluation.metrics:average_precision_interpolated",
    "map_noninterpolated": "mvi.evaluation.metrics:average_precision_noninterpolated",
    "map_step": "mvi.evaluation.metrics:average_precision_step",
}


@dataclass(frozen=True)
class Modality:
    """What a row of one modality is."""

    transforms: tuple[str, ...]
    """Kinds of `mvi.data.transforms` that suit its values, the usual one first."""
    shape: tuple[int, int] | None = None
    """Height and width in pixels of what a row is drawn as, if it is part of an image."""


@dataclass(frozen=True)
class Size:
    """How many rows a data set has, as far as that is known before any of its files is made."""

    rows: int
    labelled: int
    train: int
    """Rows of the smallest training part of a split; 0 where there are no splits."""
    fingerprint: str = ""
    """Another one where a user's own files are others than before."""


@dataclass(frozen=True)
class Generator:
    """How the files of a generated data set are drawn, and what is known of their truth."""

    draw: str
    """Entry point `(*files, truth, **settings)`, writing all of them."""
    files: Mapping[str, str]
    """Kind of each raw file -> its name, in the order in which `draw` takes them."""
    truth: str
    """Name of the file of what real data do not tell."""
    settings: tuple[str, ...]
    """The settings of the data set that decide what is drawn."""
    tag_probabilities: str
    """Entry point `(truth, tags)` -> P(tag | image), (n, tags) float32."""


def _unchecked(settings: Settings) -> None:
    """Settings that a schema says all of."""


def _nothing(settings: Settings) -> Collection[str]:
    """All raw files are needed."""
    return ()


@dataclass(frozen=True)
class DataSet:
    """One data set; `mvi/data/sets/<name>.py` holds it under the name `DATASET`.

    Its store is written by `write_store` or, where there are images to be described by features, made from
    the catalogue that `read` gives; a record has one of the two. Either may bring splits of its own, and say
    of a row and class that the label is unknown. Raw files come from the registry of downloads (`downloads`),
    a program (`generator`) or a user (`own_files`), or there are none.
    """

    name: str
    """In configs and names of files."""
    title: str
    """In captions of tables and figures."""
    order: int
    """Place among all data sets; the smallest comes first."""
    modalities: Mapping[str, Modality]
    """In the order of the store."""
    labels: Literal["single", "multi"]
    """One class a row, or any number of classes a row."""
    metrics: Mapping[str, str]
    """Name of each metric, the headline first -> its entry point.

    Of single labels it is `(predicted, true)` -> float, the lower the better. Of several it is `(scores,
    relevant)` -> float, the higher the better, for the rows whose label of a class is known; scores have the
    mean over classes under its name, "map_...", and each class under "ap_...". Tables show the headline. A
    data set's own metric may stand in the data set's own module.
    """
    settings: Mapping[str, Any]
    """JSON schema of each of its settings; "$ref" may point to the words of `mvi/workflow/schema.yaml`."""
    size: Callable[[Settings], Size]
    """May look at a user's own files, and then raises `DataError` for what is wrong with them."""
    splits: Callable[[Settings], int]
    """How many splits the store has, random ones or its own, if any row is labelled."""
    write_store: str = ""
    """Entry point `(path, raw, settings, *, dataset, citation)`, `raw` being kind -> path of each raw file.

    It takes `precision` too, "float32" or "float16", if the record `has_features`.
    """
    read: str = ""
    """Entry point `(raw, settings, *, dataset, generated, citation)` -> `mvi.data.catalogue.Catalogue`."""
    image_files: tuple[str, ...] = ("images",)
    """Kinds of the raw files that are archives or folders of the images; "images" is one of them."""
    in_turn: bool = False
    """Whether image files, of as many rows each, are too large together: one is deleted once described."""
    downloads: Mapping[str, str] = field(default_factory=dict)
    """Kind of each raw file -> its name in `config/data_registry.csv`."""
    generator: Generator | None = None
    own_files: Mapping[str, str] = field(default_factory=dict)
    """Kind of each raw file -> the setting that says where the user has it."""
    left_out: Callable[[Settings], Collection[str]] = _nothing
    """Kinds of raw files that these settings do without."""
    citation: str = ""
    """Empty where the registry of downloads has it, or where nobody but the user can know."""
    feature_groups: tuple[str, ...] = ()
    """Groups of columns, by name, of features that come with the data set (see a store's `descriptors`)."""
    check: Callable[[Settings], None] = _unchecked
    """Raises `ConfigError` for settings that are right each by itself and wrong together."""

    @property
    def has_images(self) -> bool:
        """Whether there are image files, to be described by features and to be shown."""
        return bool(self.read)

    @property
    def keeps_images(self) -> bool:
        """Whether image files are there to be shown when all is described."""
        return self.has_images and not self.in_turn

    @property
    def has_features(self) -> bool:
        """Whether a modality holds real values on scales of their own, kept in the precision asked for."""
        return any("standardise" in modality.transforms for modality in self.modalities.values())

    @property
    def generated(self) -> bool:
        """Whether a program made the data, so that no number of it is set beside a published one."""
        return self.generator is not None

    def raw_files(self, settings: Settings, folder: str) -> dict[str, str]:
        """Kind of each raw file -> where it lies: in `folder`, or where a user has it."""
        drawn = self.generator.files if self.generator else {}
        kept = {kind: f"{folder}/{name}" for kind, name in {**self.downloads, **drawn}.items()}
        named = kept | {kind: settings[key] for kind, key in self.own_files.items()}
        unneeded = self.left_out(settings)
        return {kind: path for kind, path in named.items() if kind not in unneeded}

    def refuse_mistakes(self, settings: Settings) -> None:
        """Raise `ConfigError` for settings that the schema allows and that make no data set."""
        unneeded = self.left_out(settings)
        for kind, key in self.own_files.items():
            if not settings[key] and kind not in unneeded:
                raise ConfigError(
                    f'config key "data.{self.name}.{key}" must be set for the data set {self.name}.'
                )
        self.check(settings)

    def learned_once(self, settings: Settings) -> bool:
        """Whether training takes the unlabelled rows and is the same for all splits; raises as `size`."""
        from mvi.data.splits import learn_from_unlabelled

        size = self.size(settings)
        splits = {1: {"train": range(size.train)}} if size.train else {}
        return learn_from_unlabelled(size.rows, size.labelled, splits)


def module_of(entry_point: str) -> str:
    """The dotted name of the module of an entry point."""
    return entry_point.partition(":")[0]
