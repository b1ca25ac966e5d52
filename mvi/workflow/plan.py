# SPDX-License-Identifier: MIT
"""What the rules ask of a resolved config: names of files, settings of jobs, and what a target is made of.

A `Run` answers for one entry of `runs`, a `Source` for a data set with one kind of features, which several
runs may share. Every function is plain: the rules bind them to wildcards (`rules/common.smk`). Names of files
are relative to the folder in which Snakemake runs.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from math import prod
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from mvi.data.registry import rows as registered
from mvi.data.sets.base import DataSet, Size, module_of
from mvi.data.sets.registry import DATASETS
from mvi.data.sets.registry import dataset as dataset_named
from mvi.errors import ConfigError
from mvi.features.networks import NETWORKS, is_path, seen_by
from mvi.methods.registry import LAYERED, METHODS
from mvi.workflow.checks import DESCRIPTORS, check_ramps
from mvi.workflow.config import merge
from mvi.workflow.foresight import check_tags, check_training, check_words
from mvi.workflow.search import candidates, overlay

if TYPE_CHECKING:
    from mvi.data.catalogue import Catalogue

REGISTRY = "config/data_registry.csv"
# Networks, converted; other things made of raw files lie in the folders of their data sets.
NETWORKS_FOLDER = "results/data/networks"
# Settings of visual words that matter while they are learned and not afterwards.
LEARNING_OF_WORDS = ("words", "seed", "images", "per_image", "epochs")
# The module that measures each experiment of the theory.
EXPERIMENTS = {
    "identity": "mvi.theory.identity",
    "consistency": "mvi.theory.consistency",
    "training": "mvi.theory.dynamics",
}
# The entry point of each kind of classifier.
CLASSIFIERS = {
    "svm": "mvi.evaluation.svm_classifier:Svm",
    "logistic": "mvi.evaluation.logistic_classifier:Logistic",
}
# The training that settings are chosen by, where it may see fewer rows than the others.
CHOICE = "choice"
# Columns of a modality whose number is not known before its store is made; none here has more.
MOST_COLUMNS = 4000
Files = list[str]
Settings = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """One training of a run, named in its files: the rows that it may see, and its seed.

    `split` is the one whose training rows it may learn from, any where it learns from unlabelled rows; it is
    evaluated on `splits`. `rows` names what it learns from, whatever the seed.
    """

    name: str
    rows: str
    seed: int
    split: int
    splits: tuple[int, ...]


@dataclass(frozen=True)
class Source:
    """A data set with its settings and one kind of features."""

    dataset: DataSet
    data: Settings
    features: Settings

    @property
    def folder(self) -> str:
        """Where all that is made of the data set lies."""
        return f"results/data/{self.dataset.name}"

    @property
    def features_folder(self) -> str:
        """Where what describes its images lies; other features stand beside it."""
        return f"{self.folder}/{self.features['name']}"

    @property
    def store(self) -> str:
        """The store."""
        return f"{self.features_folder if self.dataset.has_images else self.folder}/store.h5"

    def store_with(self, copies: int) -> str:
        """The store with so many translated copies of each training image."""
        return self.store.replace("store.h5", f"copies{copies}.h5") if copies else self.store

    @property
    def catalogue(self) -> str:
        """Names, tags, labels and splits of the images."""
        return f"{self.folder}/catalogue.h5"

    # -- rows ---------------------------------------------------------------------------------------

    @cached_property
    def size(self) -> Size:
        """Numbers of rows; raises `DataError` for what is wrong with a user's own files."""
        return self.dataset.size(self.data)

    @cached_property
    def catalogue_ahead(self) -> "Catalogue | None":
        """The catalogue of a user's own files, which are there before any job; None of other data sets.

        Raises `DataError` and `ConfigError` for what is wrong with the files or with their settings.
        """
        if not self.dataset.own_files:
            return None
        catalogue: Catalogue = resolve_name(self.dataset.read)(self.raw_files(), self.data, **self.about())
        return catalogue

    def megabytes(self, rows: int) -> float:
        """What so many rows of all modalities take in memory, in float32; rather too much than too little."""
        columns = sum(
            prod(modality.shape) if modality.shape else MOST_COLUMNS
            for modality in self.dataset.modalities.values()
        )
        return rows * columns * 4 / 1e6

    @property
    def all_mb(self) -> float:
        """`megabytes` of all rows."""
        return self.megabytes(self.size.rows)

    @property
    def block_mb(self) -> float:
        """`megabytes` of the rows of a file of features."""
        return self.megabytes(self.features["block"])

    def copied_mb(self, copies: int | str) -> float:
        """`megabytes` with so many translated copies of each training image."""
        return self.megabytes(self.size.rows * (1 + int(copies)))

    @property
    def splits(self) -> int:
        """Number of splits."""
        return self.dataset.splits(self.data)

    @cached_property
    def learns_once(self) -> bool:
        """Whether training takes the unlabelled rows and is the same for all splits."""
        return self.dataset.learned_once(self.data)

    @property
    def has_labels(self) -> bool:
        """Whether any row is labelled."""
        return self.size.labelled > 0

    def require_labels(self) -> None:
        """Raise `ConfigError` where there is nothing to score by."""
        if not self.has_labels:
            files = ", ".join(self.raw_files().values())
            raise ConfigError(
                f"The data set {self.dataset.name} ({files}) has no labels to score by; add labels, or ask "
                "for what needs none: features, card, learning or model."
            )

    def planned_rows(self) -> int:
        """How many rows jobs are planned for."""
        return self.size.rows

    def fingerprint(self) -> str:
        """Another one where a user's own files are others than before."""
        return self.size.fingerprint

    # -- from raw files to a store --------------------------------------------------------------------

    def raw_files(self) -> dict[str, str]:
        """Kind of each raw file -> where it lies."""
        return self.dataset.raw_files(self.data, f"{self.folder}/raw")

    def images(self) -> dict[str, Any]:
        """The image files with the catalogue that names them; raises `ConfigError` where there are none."""
        if not self.dataset.has_images:
            raise ConfigError(f"The data set {self.dataset.name} has no images to draw; ask for its tables.")
        if not self.dataset.keeps_images:
            raise ConfigError(
                f"The images of {self.dataset.name} are deleted once they are described, so that no figure "
                "shows them and no visual words are learned from them; ask for its tables, with "
                "features.kind network."
            )
        files = self.image_files()
        return {"images": files if len(files) > 1 else files[0], "catalogue": self.catalogue}

    def image_files(self) -> Files:
        """The image files, in the order of their rows."""
        raw = self.raw_files()
        return [raw[kind] for kind in self.dataset.image_files if kind in raw]

    def catalogue_inputs(self) -> dict[str, str]:
        """Kind of each raw file that the catalogue is read from -> where it lies."""
        unread = self.dataset.image_files if self.dataset.in_turn else ()
        return {kind: path for kind, path in self.raw_files().items() if kind not in unread}

    def image_file(self, start: int, stop: int) -> str:
        """Which of the files that are described in turn has the rows `start` to `stop`.

        Raises `ConfigError` where they are in several.
        """
        files = self.image_files()
        each = self.size.rows // len(files)
        if start // each != (stop - 1) // each:
            raise ConfigError(
                f"features.block is {self.features['block']}, but an image file of {self.dataset.name} has "
                f"{each} images; set a divisor of that."
            )
        return files[start // each]

    def block_inputs(self, start: str, stop: str) -> dict[str, Any]:
        """What the images of a block are described with, and the images; raises as `description_inputs`."""
        if not self.dataset.in_turn:
            return self.description_inputs()
        file = self.image_file(int(start), int(stop))
        return {**self.description_source(), "images": file, "catalogue": self.catalogue}

    def described_before(self, image_file: str) -> Files:
        """The features of all image files before this one, of those that are described in turn."""
        files = self.image_files()
        before = files[: files.index(image_file)] if image_file in files else files
        return [block for rows, block in self.block_files().items() if self.image_file(*rows) in before]

    def about(self) -> Settings:
        """What a store or a catalogue says of its data set."""
        record = self.dataset
        citation = record.citation
        if record.downloads and not citation:
            citation = registered(REGISTRY, record.name)[next(iter(record.downloads.values()))].citation
        facts: Settings = {"dataset": record.name, "citation": citation}
        if record.read:
            return {**facts, "generated": record.generated}
        return {**facts, **({"precision": self.features["precision"]} if record.has_features else {})}

    def description_inputs(self) -> dict[str, Any]:
        """What images are described with, and the images; raises as `description_source` and `images`."""
        return {**self.description_source(), **self.images()}

    def description_source(self) -> dict[str, str]:
        """Visual words, or the ONNX file of a network.

        Raises `ConfigError` where there are too few images for the visual words.
        """
        if self.features["kind"] == "descriptors":
            check_words(self.features["phow"], self.size)
            return {"words": f"{self.features_folder}/words.npy"}
        network = self.features["network"]
        made = f"{NETWORKS_FOLDER}/{network}.onnx"
        return {"network": str(Path(network).expanduser()) if is_path(network) else made}

    @property
    def described_by(self) -> str:
        """Which features there are, in a few words."""
        kind = self.features["kind"]
        if kind == "descriptors":
            return "the paper's descriptors"
        return f"the {kind} `{Path(self.features[kind]).name}`"

    @property
    def feature_file(self) -> str:
        """What features that were made elsewhere are taken from."""
        return str(Path(self.features["file"]).expanduser())

    def description(self) -> Settings:
        """The settings of the features that are in use, and no others."""
        if self.features["kind"] == "network":
            return {**{key: self.features[key] for key in ("kind", "batch")}, **seen_by(self.features)}
        phow = {key: value for key, value in self.features["phow"].items() if key not in LEARNING_OF_WORDS}
        groups = ("gist", "edge_histogram", "colour_structure", "scalable_colour")
        kept = {key: self.features[key] for key in ("kind", "batch", *groups)}
        # Stores and models keep it by this name, which is part of their fingerprint.
        return {**kept, "picture_size": self.features["image_size"], "phow": phow}

    def described_otherwise(self) -> list[str]:
        """The modules that describe images in another way than these features are made."""
        other = ("onnx_network", "networks") if self.features["kind"] == "descriptors" else DESCRIPTORS
        return [f"mvi.features.{name}" for name in other]

    def blocks(self) -> Files:
        """The files in which the features come."""
        return list(self.block_files().values())

    def block_files(self) -> dict[tuple[int, int], str]:
        """The first row and the one after the last -> the file of their features."""
        rows, step = self.size.rows, self.features["block"]
        folder = f"{self.features_folder}/{'taken' if self.features['kind'] == 'file' else 'blocks'}"
        ranges = [(start, min(start + step, rows)) for start in range(0, rows, step)]
        return {(start, stop): f"{folder}/{start}-{stop}.npz" for start, stop in ranges}

    def label_figures(self) -> Files:
        """Names of the figures of the data card that need labels."""
        return ["labels", "together"] if self.has_labels else []

    def card(self) -> dict[str, Files]:
        """The page and the figures of what the data set holds, if it has images to draw."""
        if not self.dataset.keeps_images:
            return {"card": [], "figures": []}
        names = ["sheet", "tags", *self.label_figures()]
        return {
            "card": [f"{self.folder}/card/card.md"],
            "figures": [f"{self.folder}/card/{name}.png" for name in names],
        }


class Run:
    """One run: `settings` as `mvi.workflow.config.resolve` completes them."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self.name = name
        self.settings = settings
        record = dataset_named(settings["dataset"])
        self.source = Source(record, settings["data"], settings["features"])
        self.dataset = record

    def file(self, path: str) -> str:
        """A file of the run's own folder."""
        return f"results/{self.name}/{path}"

    # -- what a training learns from, and what it is called ------------------------------------------

    @cached_property
    def parts(self) -> list[Part]:
        """The trainings of every model: one for each seed, and for each split unless these share rows."""
        numbers = tuple(self.settings["splits"])
        if self.source.learns_once:
            groups = [("unlabelled", 1, numbers)]
        else:
            groups = [(f"split{number}", number, (number,)) for number in numbers]
        seeds = self.settings["seeds"]

        def name(rows: str, seed: int) -> str:
            if self.one_split:
                return f"seed{seed}"
            return rows if len(seeds) == 1 else f"{rows}-seed{seed}"

        return [
            Part(name(rows, seed), rows, seed, split, splits)
            for rows, split, splits in groups
            for seed in seeds
        ]

    @property
    def one_split(self) -> bool:
        """Whether there is one split for good, so that trainings are told apart by their seeds."""
        return self.source.splits == 1 and not self.source.learns_once

    @property
    def tells_seeds(self) -> bool:
        """Whether scores say the seed."""
        return self.one_split or len(self.settings["seeds"]) > 1

    def part(self, part: str) -> Part:
        """The training of this name; raises `ConfigError` for one that the run has not."""
        # Settings may be chosen by a split that the run is not evaluated on.
        for one in [*self.parts, self.search_part, self.choice_part]:
            if part in (one.name, one.rows):
                return one
        known = ", ".join(one.name for one in self.parts)
        raise ConfigError(f"run {self.name} has no part {part!r}; it has {known}.")

    @property
    def batches(self) -> list[str]:
        """The evaluations of every model: `every` part in one job where the run says so, else one each."""
        # Parts on pathways stand on layers of their own.
        together = self.settings["seeds_together"] and not any(map(self.levels, self.modalities))
        return ["every"] if together else [one.name for one in self.parts]

    def parts_of(self, batch: str) -> list[Part]:
        """The parts that a job of evaluation takes together."""
        return self.parts if batch == "every" else [self.part(batch)]

    @property
    def modalities(self) -> list[str]:
        """In the data set's order."""
        return list(self.dataset.modalities)

    # -- files of training ----------------------------------------------------------------------------

    @property
    def store(self) -> str:
        """The store, without copies of training images."""
        return self.source.store

    def training_store(self, part: str) -> str:
        """The store that models learn from; raises `ConfigError` where it has too few rows to learn from."""
        source = self.source
        learning = {**self.settings, "rows": self.rows(part)}
        check_training(learning, source.size, source.learns_once, source.catalogue_ahead)
        if "pairs" in self.settings:
            return self.file(f"inputs/{self.part(part).rows}.h5")
        return self.source.store_with(self.settings["copies"])

    @property
    def classifier_store(self) -> str:
        """The store that classifiers learn from."""
        return self.source.store_with(self.settings["classifier"]["copies"])

    def scale(self, part: str) -> str:
        """The scale of the inputs."""
        return self.file(f"inputs/{self.part(part).rows}.safetensors")

    def layer(self, modality: str, level: int, part: str) -> str:
        """The weights of layer 1, 2, ... of a pathway."""
        return self.file(f"pretrain/{modality}{level}/{part}.safetensors")

    def levels(self, modality: str) -> range:
        """Numbers of the layers of a pathway."""
        return range(1, 1 + len(self.settings["pathways"][modality]["layers"]))

    def layers(self, part: str) -> dict[str, Files]:
        """The layers of each pathway from its input upwards."""
        return {
            name: [self.layer(name, level, part) for level in self.levels(name)] for name in self.modalities
        }

    def layers_below(self, modality: str, layer: str, part: str) -> Files:
        """The layers of a pathway under another one."""
        return [self.layer(modality, level, part) for level in range(1, int(layer))]

    def joint(self, method: str, part: str) -> str:
        """The weights that a method gives."""
        return self.file(f"joint/{method}/{part}.safetensors")

    @cached_property
    def stages(self) -> dict[str, Settings]:
        """Stages of finetuning by name, in order."""
        return {stage["name"]: stage for stage in self.settings["finetune"]}

    @property
    def last_stage(self) -> str:
        """The stage whose network comes out in the end; raises `ConfigError` where nothing is finetuned."""
        if not self.stages:
            raise ConfigError(f"run {self.name} finetunes nothing; give it stages under finetune.")
        return list(self.stages)[-1]

    def stage(self, stage: str, part: str, iterations: int | None = None) -> str:
        """The network after a stage, finetuned with its own number of iterations unless told another."""
        count = self.stages[stage]["iterations"] if iterations is None else iterations
        return self.file(f"finetune/{stage}/n{count}/{part}.safetensors")

    def network_before(self, stage: str, part: str) -> str:
        """The network that a stage starts from."""
        order = list(self.stages)
        place = order.index(stage)
        return (
            self.stage(order[place - 1], part) if place else self.joint(self.settings["finetune_from"], part)
        )

    @property
    def compared(self) -> list[str]:
        """The methods that are compared by their representations, in the tables' order."""
        return [name for name in self.settings["compare"] if METHODS[name].scores is None]

    @property
    def scored(self) -> list[str]:
        """The methods that are compared and have no representation."""
        return [name for name in self.settings["compare"] if METHODS[name].scores is not None]

    @property
    def layered(self) -> list[str]:
        """Those that train a joint layer by an objective."""
        return [name for name in self.compared if name in LAYERED]

    @property
    def models(self) -> list[str]:
        """What is encoded and scored: the methods, then the stages."""
        return [*self.compared, *self.stages]

    def weights(self, model: str, part: str) -> str:
        """The weights of a model of the tables."""
        return self.stage(model, part) if model in self.stages else self.joint(model, part)

    def layers_of(self, model: str, part: str) -> dict[str, Files]:
        """The layers of the pathways under a model of the tables; none of a method that needs none."""
        needs = model not in METHODS or METHODS[model].needs_layers
        return self.layers(part) if needs else {}

    def training_benchmarks(self, model: str, part: str) -> Files:
        """What Snakemake measured of every training that a model of the tables comes from."""
        stages = list(self.stages)
        before = stages[: stages.index(model) + 1] if model in stages else []
        first = self.settings["finetune_from"] if before else model
        weights = [path for paths in self.layers_of(model, part).values() for path in paths]
        weights += [self.joint(first, part), *(self.stage(stage, part) for stage in before)]
        rules = {"pretrain": "pretrain_layer", "joint": "train_joint", "finetune": "finetune"}
        folder = len(self.file(""))
        found = []
        for path in weights:
            phase, _, rest = path[folder:].partition("/")
            found.append(self.file(f"benchmarks/{rules[phase]}/{rest.replace('.safetensors', '.tsv')}"))
        return found

    def joint_inputs(self, method: str, part: str) -> dict[str, Any]:
        """What a method is trained from."""
        chosen = {"chosen": self.chosen(method)} if method in self.searched else {}
        return {**self._learned_from(method, part), **chosen}

    def _learned_from(self, method: str, part: str) -> dict[str, Any]:
        layers = self.layers(part) if METHODS[method].needs_layers else {}
        return {**layers, "store": self.training_store(part), "scale": self.scale(part)}

    def finetune_inputs(self, stage: str, part: str) -> dict[str, Any]:
        """What a stage of finetuning is trained from."""
        files = {"store": self.training_store(part), "scale": self.scale(part)}
        return {**self.layers(part), **files, "network": self.network_before(stage, part)}

    def finished_network(self, part: str) -> str:
        """The network after all stages."""
        return self.stage(self.last_stage, part)

    def exported_inference(self) -> Settings:
        """How the exported network is asked unless its user says otherwise."""
        return self.inference(self.last_stage)

    def centring(self) -> Settings:
        """Over which rows the mean states of an exported network are taken."""
        inference, rows = self.settings["inference"], self.settings["rows"]
        return {
            "parts": rows["parts"],
            "rows": inference["centre_rows"],
            "untagged": inference["untagged"],
            "block": inference["block"],
        }

    def exported(self) -> Files:
        """The models for users: finetuned networks, else joint layers that stand on the inputs themselves."""
        if self.stages:
            return [self.file(f"finetune/{part.name}.safetensors") for part in self.parts]
        if any(map(self.levels, self.modalities)):
            return []
        return [
            self.file(f"models/{name}/{part.name}.safetensors")
            for name in self.compared
            if METHODS[name].objective
            for part in self.parts
        ]

    def trained_metrics(self) -> Files:
        """The metrics of every training of a layer or a network of layers."""
        weights: Files = []
        for part in (one.name for one in self.parts):
            weights += [path for paths in self.layers(part).values() for path in paths]
            weights += [self.joint(name, part) for name in self.layered]
            weights += [self.stage(name, part) for name in self.stages]
        return [path.replace(".safetensors", ".csv") for path in weights]

    # -- settings of training --------------------------------------------------------------------------

    def transforms(self) -> dict[str, Settings]:
        """The transform of each modality."""
        return {name: self.settings["pathways"][name]["transform"] for name in self.modalities}

    def rows(self, part: str) -> Settings:
        """Which rows a training may learn from: of one that settings are chosen by, training rows alone."""
        rows: Settings = self.settings["rows"]
        return rows | {"parts": ["train"]} if part == CHOICE else rows

    def learned_parts(self, part: str) -> list[str]:
        """The parts of the split among them."""
        parts: list[str] = self.rows(part)["parts"]
        return parts

    def seed(self, part: str) -> int:
        """The seed of a training."""
        return self.part(part).seed

    def split(self, part: str) -> int:
        """The split whose rows a training may see."""
        return self.part(part).split

    def layer_settings(self, modality: str, layer: str) -> Settings:
        """The settings of one layer of a pathway."""
        return self.settings["pathways"][modality]["layers"][int(layer) - 1]

    def joint_model(self, method: str) -> Settings:
        """Size, initial weights and factors of the joint layer; nothing for a method that has none."""
        if not METHODS[method].needs_layers:
            return {}
        return {key: self.settings["joint"][key] for key in ("hidden", "weight_std", "up", "down")}

    def schedule(self, method: str) -> Settings:
        """What one method changes, laid over the schedule of all; or its own."""
        if method not in LAYERED:
            return self.objective(method).get("training", {})
        joint = self.settings["joint"]
        return merge(joint["training"], joint["training_of"].get(method, {}))

    def objective(self, method: str) -> Settings:
        """The settings of one method."""
        return self.settings["methods"][method]

    def stage_settings(self, stage: str, iterations: str) -> Settings:
        """The settings of a stage of finetuning, with the number of iterations asked for."""
        kept = {key: value for key, value in self.stages[stage].items() if key != "title"}
        return {**kept, "iterations": int(iterations)}

    # -- what jobs handle, which decides what they ask for -------------------------------------------------

    @property
    def all_mb(self) -> float:
        """Input features of all rows that models may learn from, in MB."""
        return self.source.copied_mb(self.settings["copies"])

    @property
    def labelled_mb(self) -> float:
        """Input features of the labelled rows, in MB."""
        return self.source.megabytes(self.source.size.labelled)

    @property
    def represented_mb(self) -> float:
        """Joint representations of the labelled rows for every query, in MB."""
        size = self.source.size
        rows = size.labelled * (1 + self.settings["classifier"]["copies"])
        queries = 1 + len(self.modalities)
        return rows * queries * self.settings["joint"]["hidden"] * 4 / 1e6

    def _thousands_shown(self, training: Settings) -> float:
        size = self.source.size
        rows = size.rows * (1 + self.settings["copies"])
        # A method with a schedule of its own may have none of these: it sees all rows once.
        most = training.get("batches_per_epoch", rows) * training.get("batch_size", 1)
        return min(rows, most) * training.get("epochs", 1) / 1000

    def shown_to_layer(self, modality: str, layer: str) -> float:
        """Rows that the training of a layer of a pathway sees, those of every epoch counted, in thousands."""
        return self._thousands_shown(self.layer_settings(modality, layer)["training"])

    def shown_to_joint(self, method: str) -> float:
        """The same of the joint layer."""
        return self._thousands_shown(self.schedule(method))

    def shown_to_trial(self, method: str, trial: str) -> float:
        """The same of a trial of the search."""
        return self._thousands_shown(self.trial_schedule(method, trial))

    def shown_to_candidate(self, method: str, candidate: str) -> float:
        """The same of a candidate of the search for a method's settings."""
        return self._thousands_shown(self.candidate_schedule(method, candidate))

    def shown_to_stage(self, stage: str) -> float:
        """The same of a stage of finetuning."""
        return self._thousands_shown(self.stages[stage]["training"])

    # -- search for settings of the joint layer ---------------------------------------------------------

    @property
    def search_part(self) -> Part:
        """The training on whose validation rows settings are chosen."""
        wanted = self.settings["joint"]["search"]["split"]
        rows = "unlabelled" if self.source.learns_once else f"split{wanted}"
        return Part(rows, rows, self.settings["seeds"][0], wanted, (wanted,))

    def trials(self) -> list[Settings]:
        """What the search tries with each method: initial weights and learning rate of each training."""
        search = self.settings["joint"]["search"]
        return [
            {"weight_std": std, "learning_rate": rate}
            for std in search["weight_std"]
            for rate in search["learning_rate"]
        ]

    def trial_model(self, method: str, trial: str) -> Settings:
        """The initial weights of a trial laid over the settings of the layer."""
        return self.joint_model(method) | {"weight_std": self.trials()[int(trial) - 1]["weight_std"]}

    def trial_schedule(self, method: str, trial: str) -> Settings:
        """What a trial changes laid over the schedule of its method."""
        rate = self.trials()[int(trial) - 1]["learning_rate"]
        return self.schedule(method) | {
            "learning_rate": rate,
            "epochs": self.settings["joint"]["search"]["epochs"],
        }

    def search_inputs(self) -> dict[str, Any]:
        """What a training of the search is made from."""
        part = self.search_part.name
        files = {"store": self.labelled_store(), "scale": self.scale(part)}
        return {**self.layers(part), **files}

    def search_seed(self) -> int:
        """The seed of the trainings of the search."""
        return self.search_part.seed

    def search_scoring(self, method: str) -> Settings:
        """How a training of the search is scored on validation rows."""
        classifier = self.settings["classifier"]
        return {
            "grid": classifier["lambda"],
            "tolerance": classifier["tolerance"],
            "chosen_by": self._chosen_by(classifier),
            "metrics": dict(self.dataset.metrics),
            "untagged": self.settings["inference"]["untagged"],
            "inference": self.inference(method),
        }

    def trial_files(self) -> Files:
        """The trainings of the search; raises `ConfigError` where the layers know the validation rows."""
        if not self.source.learns_once and "validation" in self.settings["rows"]["parts"]:
            raise ConfigError(
                "Settings are chosen on validation rows, so that nothing may learn from them; search with "
                "--config run=search 'settings={rows: {parts: [train]}}'."
            )
        return [
            self.file(f"search/{method}/trial{trial}.csv")
            for method in self.layered
            for trial in range(1, 1 + len(self.trials()))
        ]

    # -- search for settings of every method ---------------------------------------------------------------

    @property
    def searched(self) -> dict[str, Any]:
        """The grid of each method whose settings are chosen; none where the run has no search."""
        grids: dict[str, Any] = self.settings.get("search", {})
        return grids

    @property
    def choice_part(self) -> Part:
        """The training that settings are chosen by, which has not seen the validation rows of split 1.

        It shares layers and scale with the run's own where these learn from the same rows.
        """
        own = "split1" if self.settings["rows"]["parts"] == ["train"] else CHOICE
        rows = "unlabelled" if self.source.learns_once else own
        return Part(rows, rows, self.settings["seeds"][0], 1, (1,))

    def choice_rows(self) -> Settings:
        """`rows` of it."""
        return self.rows(self.choice_part.name)

    def candidate(self, method: str, candidate: str) -> "Run":
        """The run with the settings of candidate 1, 2, ... of a method; raises as `check_ramps`."""
        tried = candidates(self.searched[method])[int(candidate) - 1]
        settings = merge(self.settings, overlay(self.dataset.name, method, tried))
        check_ramps(settings, f"runs.{self.name}")
        return Run(self.name, settings)

    def candidate_objective(self, method: str, candidate: str) -> Settings:
        """`objective` of a candidate."""
        return self.candidate(method, candidate).objective(method)

    def candidate_schedule(self, method: str, candidate: str) -> Settings:
        """`schedule` of a candidate."""
        return self.candidate(method, candidate).schedule(method)

    def candidate_inputs(self, method: str, candidate: str) -> dict[str, Any]:
        """What a candidate of a method is trained from, and the rows that it is scored on.

        Raises `ConfigError` where there are too few rows for it.
        """
        return {
            **self.candidate(method, candidate)._learned_from(method, self.choice_part.name),
            "labelled": self.labelled_store(),
        }

    def candidate_files(self, method: str) -> Files:
        """The scores of every candidate of a method."""
        count = len(candidates(self.searched[method]))
        return [self.file(f"candidates/{method}/{number}.csv") for number in range(1, 1 + count)]

    def every_candidate(self) -> Files:
        """Those of all methods."""
        return [path for method in self.searched for path in self.candidate_files(method)]

    def choices(self, method: str) -> list[Settings]:
        """What there is to choose from: what each candidate tries, and all settings that it trains with."""
        return [
            {
                "tried": tried,
                "objective": self.candidate_objective(method, str(number)),
                "schedule": self.candidate_schedule(method, str(number)),
            }
            for number, tried in enumerate(candidates(self.searched[method]), 1)
        ]

    def chosen(self, method: str) -> str:
        """The settings that were chosen for a method."""
        return self.file(f"chosen/{method}.json")

    def every_chosen(self) -> Files:
        """Those of all methods."""
        return [self.chosen(method) for method in self.searched]

    # -- evaluation ---------------------------------------------------------------------------------------

    def iterations(self, model: str) -> int:
        """Mean-field iterations of inference with a model; of a finetuned one those of what it came from."""
        wanted = self.settings["inference"]["iterations"]
        if isinstance(wanted, Mapping):
            return wanted[self.settings["finetune_from"] if model in self.stages else model]
        return wanted

    def inference(self, model: str) -> Settings:
        """How a model fills in what is missing, as `mvi.models.base` takes it."""
        settings = self.settings["inference"]
        return {
            "iterations": self.iterations(model),
            "tolerance": settings["tolerance"],
            "start": settings["start_state"],
            "stop": settings["stop"],
        }

    def part_names(self, batch: str) -> list[str]:
        """Names of the parts that a job of evaluation takes together."""
        return [part.name for part in self.parts_of(batch)]

    def evaluated_parts(self, parts: Iterable[Part]) -> list[Settings]:
        """What scores of parts say: the seed, where there are several, and the splits."""
        seeds = self.tells_seeds
        return [
            {"name": part.name, "seed": part.seed if seeds else None, "splits": list(part.splits)}
            for part in parts
        ]

    def evaluated(self, batch: str) -> list[Settings]:
        """`evaluated_parts` of a batch."""
        return self.evaluated_parts(self.parts_of(batch))

    def encode_inputs(self, model: str, batch: str) -> dict[str, Any]:
        """What a model encodes, and the files that it is made of."""
        parts = self.part_names(batch)
        return {
            **self.layers_of(model, parts[0]),
            "store": self.classifier_store,
            "scale": self.scale(parts[0]),
            "weights": [self.weights(model, part) for part in parts],
        }

    def encoding(self, model: str) -> Settings:
        """How a model encodes."""
        settings = self.settings["inference"]
        return {**self.inference(model), "block": settings["block"], "untagged": settings["untagged"]}

    def classifier(self) -> str:
        """Entry point of the linear classifier."""
        return CLASSIFIERS[self.settings["classifier"]["kind"]]

    def classifier_modules(self) -> list[str]:
        """The modules of the linear classifier and of what it is scored by."""
        return [module_of(self.classifier()), *self.metric_modules()]

    def metric_modules(self) -> list[str]:
        """The modules of the data set's metrics."""
        return [module_of(one) for one in self.dataset.metrics.values()]

    def classifier_settings(self) -> Settings:
        """The fields of the classifier of representations."""
        return self._fields(self.settings["classifier"])

    def baseline_settings(self) -> Settings:
        """The fields of the classifier of input features."""
        settings = self.settings["classifier"]
        return self._fields(settings if settings["kind"] == "svm" else self.settings["baselines"])

    def _fields(self, settings: Settings) -> Settings:
        common = {"tolerance": settings["tolerance"], "metrics": dict(self.dataset.metrics)}
        if self.settings["classifier"]["kind"] == "svm":
            return {"grid": settings["C"], **common}
        return {
            "grid": settings["lambda"],
            "chosen_by": self._chosen_by(settings),
            "k": settings["k"],
            **common,
        }

    def _chosen_by(self, settings: Settings) -> str:
        return settings["chosen_by"] or self.headline.removeprefix("map_")

    @property
    def headline(self) -> str:
        """The metric that tables show."""
        return next(iter(self.dataset.metrics))

    def sweep_inputs(self, iterations: str, part: str) -> dict[str, Any]:
        """The network finetuned with a number of iterations, and what it is scored on."""
        weights = self.stage(self.last_stage, part, int(iterations))
        files = {"store": self.labelled_store(), "scale": self.scale(part), "weights": weights}
        return {**self.layers(part), **files}

    def sweep(self, iterations: int, part: str) -> str:
        """The scores of the network finetuned with a number of iterations, by their number at test."""
        return self.file(f"scores/sweep/n{iterations}/{part}.csv")

    def trained_iterations(self, method: str) -> int:
        """Mean-field iterations in the training of a joint layer, 0 by an objective that has none."""
        return int(self.objective(method).get("iterations", 0))

    def joint_sweep(self, method: str, part: str) -> str:
        """The scores of a joint layer, by the number of iterations at test."""
        return self.file(f"scores/joint_sweep/{method}/n{self.trained_iterations(method)}/{part}.csv")

    def joint_sweep_inputs(self, method: str, part: str) -> dict[str, Any]:
        """A joint layer, and what it is scored on."""
        files = {"store": self.labelled_store(), "scale": self.scale(part)}
        return {**self.layers(part), **files, "weights": self.joint(method, part)}

    def curve_inputs(self, method: str) -> dict[str, Any]:
        """The weights that a method gives, of all parts, with the store."""
        return {"store": self.store, "weights": [self.joint(method, part.name) for part in self.parts]}

    def completion_inputs(self, method: str) -> dict[str, Any]:
        """The weights of which completions are shown, with the store."""
        return {"store": self.store, "weights": self.joint(method, self.parts[0].name)}

    def tag_inputs(self, part: str) -> dict[str, Any]:
        """The finished network, what it is scored on and, of generated data, the truth.

        Raises `ConfigError` where numbers of rows, or a user's own table, show that no tag could be scored.
        """
        store = self.labelled_store()
        source = self.source
        check_tags(self.settings, self.part(part).splits, source.size, source.catalogue_ahead)
        files = {
            "store": store,
            "scale": self.scale(part),
            "weights": self.finished_network(part),
        }
        generator = self.dataset.generator
        truth = [f"{self.source.folder}/raw/{generator.truth}"] if generator else []
        return {**self.layers(part), **files, "truth": truth}

    def truth_reader(self) -> str:
        """Entry point of what reads the truth of generated data, empty for real ones."""
        return self.dataset.generator.tag_probabilities if self.dataset.generator else ""

    def score_inputs(self, batch: str) -> dict[str, Any]:
        """What a method without representation learns from and is scored on."""
        scales = [self.scale(part) for part in self.part_names(batch)]
        return {"store": self.labelled_store(), "scales": scales}

    def score_settings(self, method: str) -> Settings:
        """The settings of such a method, and how it is scored."""
        classifier = self.settings["classifier"]
        shared = {"chosen_by": self._chosen_by(classifier), "k": classifier["k"]}
        return {**self.objective(method), **shared, "metrics": dict(self.dataset.metrics)}

    def shown_representations(self) -> str:
        """The representations that galleries are made from."""
        return self.file(f"representations/{self.last_stage}/{self.batches[0]}.h5")

    def scores(self, kind: str, models: Iterable[str]) -> Files:
        """The files of scores of a kind, for each model and batch of parts."""
        return [self.file(f"scores/{kind}/{model}/{batch}.csv") for model in models for batch in self.batches]

    def swept(self) -> list[int]:
        """Numbers of iterations that the last stage is finetuned with."""
        return sorted({self.stages[self.last_stage]["iterations"], *self.settings["sweep"]["trained"]})

    def sweep_scores(self) -> Files:
        """The scores of Table 3."""
        return [self.sweep(count, part.name) for count in self.swept() for part in self.parts]

    def baselines(self, inputs: Sequence[str]) -> Files:
        """The scores of classifiers on input features."""
        return [self.file(f"scores/baselines/{name}.csv") for name in inputs]

    def labelled_store_with_copies(self) -> str:
        """The store that classifiers learn from; raises as `labelled_store`."""
        self.source.require_labels()
        return self.classifier_store

    def labelled_store(self) -> str:
        """The store, for who scores by labels; raises `ConfigError` where there are none."""
        self.source.require_labels()
        return self.store


class Theory:
    """A run of the theory: checks by exact enumeration, which have no data set."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self.name = name
        self.settings = settings

    def file(self, path: str) -> str:
        """A file of the run's own folder."""
        return f"results/{self.name}/{path}"

    def experiment(self, experiment: str) -> Settings:
        """The settings of one experiment."""
        return self.settings["theory"][experiment]

    def seed(self) -> int:
        """The seed of all experiments."""
        return self.settings["theory"]["seed"]

    def modules(self, experiment: str) -> list[str]:
        """The modules that an experiment runs, its own first; those of the methods are found by name."""
        methods = self.experiment(experiment).get("methods", {})
        return [EXPERIMENTS[experiment], *(f"mvi.methods.{name}" for name in methods)]

    def tables(self) -> Files:
        """The table of all experiments."""
        return [self.file("tables/theory.md")]

    def figures(self) -> Files:
        """A figure for each experiment."""
        return [self.file(f"figures/{name}.png") for name in EXPERIMENTS]


class Plan:
    """All runs of a resolved config."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.theory: dict[str, Theory] = {}
        self.runs: dict[str, Run] = {}
        for name, settings in config["runs"].items():
            if "theory" in settings:
                self.theory[name] = Theory(name, settings)
            else:
                self.runs[name] = Run(name, settings)

    def run(self, name: str) -> Run | Theory:
        """The run of this name."""
        return self.runs[name] if name in self.runs else self.theory[name]

    def source(self, dataset: str, features: str | None = None) -> Source:
        """The data set, with these features or any, of the runs that share it.

        Raises `ConfigError` where no run of the config has it.
        """
        for run in self.runs.values():
            if run.dataset.name == dataset and features in (None, run.settings["features"]["name"]):
                return run.source
        wanted = f"{dataset} with features {features}" if features else dataset
        raise ConfigError(
            f"No run of this config has the data set {wanted}; choose another among config/runs."
        )

    @property
    def sources(self) -> dict[str, Source]:
        """A source of each data set of the runs, for what is the same whatever its features."""
        return {run.dataset.name: self.source(run.dataset.name) for run in self.runs.values()}

    def card_settings(self, source: Source) -> Settings:
        """What is counted and drawn of a data set: as its first run says."""
        run = next(run for run in self.runs.values() if run.dataset.name == source.dataset.name)
        return {**run.settings["card"], "image_size": run.settings["features"]["image_size"]}

    # -- names that wildcards may have ------------------------------------------------------------------

    @property
    def features(self) -> list[str]:
        """Names of the features of all runs."""
        return list(dict.fromkeys(run.settings["features"]["name"] for run in self.runs.values()))

    @property
    def modalities(self) -> list[str]:
        """Those of all data sets of the runs."""
        return list(dict.fromkeys(name for run in self.runs.values() for name in run.modalities))

    @property
    def models(self) -> list[str]:
        """Methods and stages of all runs."""
        return list(dict.fromkeys(name for run in self.runs.values() for name in run.models))

    @property
    def scored(self) -> list[str]:
        """Methods without representation of all runs."""
        return list(dict.fromkeys(name for run in self.runs.values() for name in run.scored))

    @property
    def stages(self) -> list[str]:
        """Stages of all runs."""
        return list(dict.fromkeys(name for run in self.runs.values() for name in run.stages))

    def described_before(self, dataset: str, file: str) -> Files:
        """What must be described, for any run, before this image file of a data set is downloaded."""
        sources = [run.source for run in self.runs.values() if run.dataset.name == dataset]
        found = [one.described_before(f"{one.folder}/raw/{file}") for one in sources]
        return list(dict.fromkeys(chain.from_iterable(found)))

    @property
    def generated(self) -> dict[str, Source]:
        """The sources whose raw files a program draws."""
        return {name: source for name, source in self.sources.items() if source.dataset.generator}


DOWNLOADED = [
    *(name for name, network in NETWORKS.items() if network.downloaded),
    *(name for name, record in DATASETS.items() if record.downloads),
]
"""Whose raw files are downloaded; weights of networks are registered as a data set would be."""


IN_TURN = {
    name: [record.downloads[kind] for kind in record.image_files]
    for name, record in DATASETS.items()
    if record.in_turn
}
"""Data set -> its image files, each of which is deleted before the next is downloaded."""


def network_weights(network: str) -> Files:
    """The downloaded weights of a network of the table; none of one that comes in a Python package."""
    record = NETWORKS[network]
    return [f"results/data/{network}/raw/{record.weights}"] if record.downloaded else []


def hash_of_download(dataset: str, file: str) -> tuple[str, ...]:
    """The hashes that the registry of downloads accepts for a file."""
    return registered(REGISTRY, dataset)[file].sha256


def digest(settings: Any) -> str:
    """What tells settings from others, short."""
    return hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]


def check_mirror(folder: str | None) -> None:
    """Raise `ConfigError` for a mirror of raw files that is not there."""
    if folder and not Path(folder).expanduser().is_dir():
        raise ConfigError(f"The mirror {folder} is not a folder; name the folder that holds the raw files.")
