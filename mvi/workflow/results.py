# SPDX-License-Identifier: MIT
"""What the tables and figures of a run are made from, and what a user may ask for by name.

The third registry, beside those of data sets and methods: a table is an entry of `TABLES` and a function of
`mvi.report.specs`, a figure an entry of `FIGURES` and a script `draw_<figure>.py`.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from mvi.errors import ConfigError
from mvi.evaluation.queries import queries_of
from mvi.evaluation.scores import CENTRED
from mvi.methods.base import Method
from mvi.methods.registry import METHODS
from mvi.report.findings import Question, Side
from mvi.report.queries import FILLED, linear_baselines, query_title
from mvi.workflow.config import presets
from mvi.workflow.plan import EXPERIMENTS, Files, Plan, Run, Settings, Theory

LINEAR_INPUTS = ("image+text", "image", "text", "sqrt_image+text", "sqrt_image")
"""The input features whose linear baselines Table 2 has."""

JOINT_INPUTS = {
    "image+text": "Linear baseline",
    "sqrt_image+text": "Linear baseline, signed square roots",
}
"""Those of them that are of both modalities, whose tags may be missing."""

PIXEL_BASELINES = {
    "raw_own": "Raw pixels, a classifier per query",
    "raw_filled": "Raw pixels, mean imputation",
}

EXACT_GRADIENTS = {
    "exact_nll": {"label": "NLL, exact gradient", "color": "#1a1a1a", "marker": ""},
    "exact_minvi": {"label": "MinVI, exact gradient", "color": "#6b6b6b", "marker": ""},
}
"""What the theory follows beside the methods."""


# -- labels ----------------------------------------------------------------------------------------------


def looks(names: Iterable[str], *, on_pathways: bool = False) -> dict[str, Settings]:
    """Label, colour and marker of methods, in the order of all, as bare joint layers or `on_pathways`."""
    wanted = set(names)

    def label(record: Method) -> str:
        if not on_pathways or (record.objective is None and not record.on_pathways):
            return record.label
        return record.on_pathways or f"Joint layer by {record.short}"

    return {
        name: {
            "label": label(record),
            "color": record.color,
            "marker": record.marker,
        }
        for name, record in METHODS.items()
        if name in wanted
    }


def labels(names: Iterable[str], *, on_pathways: bool = False) -> dict[str, str]:
    """The labels of `looks` alone."""
    return {name: look["label"] for name, look in looks(names, on_pathways=on_pathways).items()}


def theory_looks() -> dict[str, Settings]:
    """How the curves of the theory are drawn."""
    return EXACT_GRADIENTS | looks(METHODS)


def model_looks(run: Run) -> dict[str, Any]:
    """How the methods on pathways are drawn, and the labels of the networks finetuned from one."""
    stages = {name: f"MDRNN, {stage['title']}" for name, stage in run.stages.items()}
    return {**looks(run.compared, on_pathways=True), **stages}


def model_labels(run: Run) -> dict[str, str]:
    """The labels of `model_looks` alone."""
    return {name: one if isinstance(one, str) else one["label"] for name, one in model_looks(run).items()}


def learned_from(run: Run) -> str:
    """What the unsupervised training learned from, for captions."""
    if run.source.learns_once:
        return "the unlabelled rows, once for all splits"
    parts = run.settings["rows"]["parts"]
    seen = " (validation scores are optimistic)" if "validation" in parts else ""
    return f"the {' and '.join(parts)} rows of each split{seen}"


def training(run: Run) -> Settings:
    """What the caption of a table says of the training."""
    finetuned_from = (
        f"the joint layer by {METHODS[run.settings['finetune_from']].short}" if run.stages else None
    )
    # Of methods without a joint layer nothing is inferred by iterations.
    shown = [run.last_stage] if run.stages else [name for name in run.compared if METHODS[name].objective]
    counts = {run.iterations(name) for name in shown}
    return {
        "learned_from": learned_from(run),
        "finetuned_from": finetuned_from,
        "iterations": counts.pop() if len(counts) == 1 else None,
        "untagged": run.settings["inference"]["untagged"],
    }


def sweep(run: Run) -> Settings:
    """The numbers of iterations of Table 3, and the queries that it varies them for."""
    return {
        "method": run.last_stage,
        "main": run.stages[run.last_stage]["iterations"],
        "trained": run.swept(),
        "tested": sorted(run.settings["sweep"]["iterations"]),
        "queries": queries_of(run.modalities)[:2],
    }


# -- findings --------------------------------------------------------------------------------------------


def questions(run: Run | Theory) -> list[Settings]:
    """What is asked of the scores of a run, as settings of `Question`: what a reader wants to know first."""
    if isinstance(run, Theory) or not run.compared:
        return []
    made, methods = set(run.settings["outputs"]), list(run.compared)
    both, *alone = queries_of(run.modalities)
    variant = run.settings["classifier"]["train_on"][0]
    ks = sorted(run.settings["predicted_tags"]["ks"])
    # What a network is finetuned from against the first of the others; else the others against the first.
    source = [name for name in methods if name == run.settings["finetune_from"]]
    own = source or methods[1:] or methods
    others = [name for name in methods if name not in own][:1]
    main = Side("MDRNN", [(run.last_stage, variant, "")]) if run.stages else None

    def side(names: list[str]) -> Side:
        label = "{}" if len(names) == 1 else f"{{}} (best of {len(names)} by validation)"
        return Side(label, [(name, variant, METHODS[name].short) for name in names])

    def plain(label: str, names: Iterable[str], *variants: str) -> Side:
        return Side(label, [(name, how, "") for name in names for how in variants or ("",)])

    found: list[Question] = []

    def ask(query: str, left: Side, right: Side, metric: str = run.headline, topic: str = "") -> None:
        if metric != run.headline:
            left = Side(left.label, [(method, "", name) for method, _, name in left.methods])
        title = ", ".join(filter(None, [topic, query_title(query)])).capitalize()
        repeated = "seed" if run.one_split else "split"
        found.append(Question(title, left, right, metric, query, metric == "error", repeated))

    if "table1" in made:
        for query in [*alone, both] if others else []:
            ask(query, side(own), side(others))
        for query in alone:
            ask(query, side(methods), plain("a classifier on pixels", PIXEL_BASELINES))
    if made & {"table2", "table4"}:
        for query in (alone[0], both):
            ask(query, main or side(methods), plain("the best linear baseline", linear_baselines(query)))
        if others:
            ask(alone[0], side(own), side(others))
    if "retrieval" in made:
        cosine = plain("the cosine of its input", ("image", "sqrt_image"), "", CENTRED)
        ask(alone[0], main or side(own[:1]), cosine, "retrieval_map_interpolated", "retrieval")
    if "tags" in made and main:
        precision = f"tags_precision_at_{ks[len(ks) // 2]}"
        ask(alone[0], main, plain("the commonest tags", ["marginal"]), precision, "tags")
        ask(alone[0], main, plain("logistic regression", ["image", "sqrt_image"]), precision, "tags")
    return [asdict(question) for question in found]


# -- tables ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A table or a figure: the files that it is made from, and the settings that it is given."""

    inputs: Callable[[Run], Files]
    settings: Callable[[Run], Settings]


def _table1(run: Run) -> Settings:
    inputs = run.settings["baselines"]["inputs"]
    return {
        "methods": labels(run.compared),
        "baselines": {name: label for name, label in PIXEL_BASELINES.items() if name in inputs},
        "queries": queries_of(run.modalities),
        "variants": run.settings["classifier"]["train_on"],
        "metrics": list(run.dataset.metrics),
    }


def _table2(run: Run) -> Settings:
    # What is finetuned against the first of the others.
    finetuned, others = run.settings["finetune_from"], list(run.compared)
    pairs = [(finetuned, other) for other in others if finetuned in others and other != finetuned][:1]
    return {
        "models": model_labels(run),
        "scored": labels(run.scored),
        "variants": run.settings["classifier"]["train_on"],
        "queries": queries_of(run.modalities),
        "main": run.last_stage if run.stages else "",
        "compared": pairs,
        "k": run.settings["classifier"]["k"],
        "training": training(run),
        "metrics": list(run.dataset.metrics),
    }


def label_scores(run: Run) -> Files:
    """The scores of all that labels images, for Table 2 and its classes."""
    return [
        *run.scores("classify", [*run.models, *run.scored]),
        *run.baselines([*LINEAR_INPUTS, *(name for name in FILLED if name in asked_inputs(run))]),
    ]


def _label_and_retrieval_scores(run: Run) -> Files:
    """With those of retrieval where the run asks for it."""
    asked = "retrieval" in run.settings["outputs"]
    return [*label_scores(run), *(TABLES["retrieval"].inputs(run) if asked else [])]


def _ablated_counts(run: Run) -> list[int]:
    """Numbers of iterations that the last stage is finetuned with and the ablation shows: its own, and none.

    The latter where Table 3 is made, for which it is finetuned so; nothing is trained for the ablation.
    """
    if not run.stages:
        return []
    own = run.stages[run.last_stage]["iterations"]
    return sorted({own, *({0} & set(run.swept()) if "table3" in run.settings["outputs"] else ())})


def _ablation_scores(run: Run) -> Files:
    return [
        *run.scores("classify", [*run.layered, *run.stages]),
        *(run.joint_sweep(method, part.name) for method in run.layered for part in run.parts),
        *(run.sweep(count, part.name) for count in _ablated_counts(run) for part in run.parts),
    ]


def _ablation(run: Run) -> Settings:
    found = [
        {
            "method": method,
            "objective": METHODS[method].short,
            "trained": run.trained_iterations(method),
            "tested": run.iterations(method),
            "swept": [0],
        }
        for method in run.layered
    ]
    zero = [0] if 0 in run.settings["sweep"]["iterations"] else []
    for name, stage in run.stages.items():
        one = {
            "method": name,
            "objective": METHODS[run.settings["finetune_from"]].short,
            "stage": stage["title"],
            "directions": stage["directions"],
            "trained": stage["iterations"],
            "tested": run.iterations(name),
        }
        last = name == run.last_stage
        found.append({**one, "swept": zero if last else []})
        others = [count for count in _ablated_counts(run) if last and count != stage["iterations"]]
        shown = [
            count for count in (*zero, run.iterations(name)) if count in run.settings["sweep"]["iterations"]
        ]
        found += [{**one, "trained": count, "tested": None, "swept": shown} for count in others]
    return {
        "models": found,
        "queries": queries_of(run.modalities),
        "variant": run.settings["classifier"]["train_on"][0],
        "training": training(run) | {"iterations": None},
        "metrics": list(run.dataset.metrics),
    }


TABLES: dict[str, Shown] = {
    "table1": Shown(
        lambda run: [
            *run.scores("classify", run.compared),
            *run.baselines([name for name in PIXEL_BASELINES if name in run.settings["baselines"]["inputs"]]),
        ],
        _table1,
    ),
    "reference": Shown(
        lambda run: run.baselines(classified(run)),
        lambda run: {
            "inputs": classified(run),
            "k": run.settings["baselines"]["k"],
            "metrics": list(run.dataset.metrics),
        },
    ),
    "table2": Shown(_label_and_retrieval_scores, _table2),
    "table4": Shown(_label_and_retrieval_scores, _table2),
    "table3": Shown(
        Run.sweep_scores,
        # The columns say by how many iterations what is missing is inferred.
        lambda run: {
            "sweep": sweep(run),
            "training": training(run) | {"iterations": None},
            "metrics": list(run.dataset.metrics),
        },
    ),
    "ablation": Shown(_ablation_scores, _ablation),
    "retrieval": Shown(
        lambda run: [*run.scores("retrieval", run.models), run.file("scores/retrieval_inputs.csv")],
        lambda run: {
            "models": model_labels(run),
            "queries": queries_of(run.modalities),
            "training": training(run),
        },
    ),
    "tag_search": Shown(
        lambda run: [
            *run.scores("retrieval", run.models),
            *(run.file(f"scores/tags/{part.name}.csv") for part in run.parts),
        ],
        lambda run: {
            "models": model_labels(run),
            "main": run.last_stage,
            "k": run.settings["tag_search"]["k"],
            "training": training(run),
        },
    ),
    "tags": Shown(
        lambda run: [
            *(run.file(f"scores/tags/{part.name}.csv") for part in run.parts),
            *(run.file(f"scores/linear_tags/{name}.csv") for name in ("image", "sqrt_image")),
        ],
        lambda run: {
            "models": {run.last_stage: model_labels(run)[run.last_stage]},
            "query": queries_of(run.modalities)[1],
            "ks": run.settings["predicted_tags"]["ks"],
            "training": training(run),
        },
    ),
}
"""Name -> what it is made from; the name is that of a function of `mvi.report.specs`."""

FIGURES: dict[str, Shown] = {
    "figure2": Shown(
        lambda run: [run.file(f"completions/{name}.npz") for name in run.compared],
        lambda run: {"labels": labels(run.compared)},
    ),
    "iterations": Shown(
        lambda run: [run.file(f"scores/cross_entropy/{name}.csv") for name in run.compared],
        lambda run: {"methods": looks(run.compared)},
    ),
    "training": Shown(
        lambda run: [
            run.joint(name, part.name).replace(".safetensors", ".csv")
            for name in run.compared
            for part in run.parts
        ],
        lambda run: {"methods": looks(run.compared)},
    ),
    "table3": Shown(
        Run.sweep_scores,
        lambda run: {
            "sweep": sweep(run),
            "part": "test" if validation_seen(run) else "validation",
            "metric": run.headline,
        },
    ),
    "learning": Shown(
        Run.trained_metrics,
        lambda run: {
            "methods": looks(run.layered, on_pathways=True),
            "modalities": {name: name for name in run.modalities},
        },
    ),
    "missing_tags": Shown(
        lambda run: [
            *run.scores("classify", run.models),
            *run.baselines([*JOINT_INPUTS, *(name for name in FILLED if name in asked_inputs(run))]),
        ],
        lambda run: {
            "lines": {
                **model_looks(run),
                **JOINT_INPUTS,
                **{name: label for name, label in FILLED.items() if name in asked_inputs(run)},
            },
            "query": queries_of(run.modalities)[0],
            "shares": sorted(run.settings["missing_tags"]["shares"]),
        },
    ),
    "trade": Shown(
        lambda run: [*label_scores(run), *TABLES["retrieval"].inputs(run)],
        lambda run: {
            "methods": {
                **model_looks(run),
                "raw": "Input features",
                "roots": "Input features, signed square roots",
            },
            "queries": queries_of(run.modalities),
            "metric": run.headline,
            "variant": run.settings["classifier"]["train_on"][0],
        },
    ),
    "recall": Shown(
        lambda run: run.scores("retrieval", run.models),
        lambda run: {"methods": model_looks(run), "queries": queries_of(run.modalities)},
    ),
}
"""Name -> what it is made from; a script `draw_<name>.py` draws it."""


def tried(run: Run) -> Settings:
    """What each candidate of each method tries, for the table of what was chosen."""
    return {method: [one["tried"] for one in run.choices(method)] for method in run.searched}


def asked_inputs(run: Run) -> list[str]:
    """What baselines are asked of."""
    return run.settings["baselines"]["inputs"]


def classified(run: Run) -> list[str]:
    """Those of `asked_inputs` that are features; raises `ConfigError` where there are none."""
    inputs = [name for name in asked_inputs(run) if name not in FILLED]
    if not inputs:
        raise ConfigError(
            f'config key "baselines.inputs" of run {run.name} is empty, so that nothing is classified; name '
            "inputs, such as [image, text, image+text]."
        )
    return inputs


GAIN = "results/gain/gain"
"""The files of the figure of several runs, without their endings."""


def gaining(plan: Plan) -> list[Run]:
    """The runs whose gain by mean-field iterations is compared: `of_target` of it."""
    return of_target(plan, "gain")


def gain_inputs(plan: Plan) -> Files:
    """The scores of the figure: iterations varied, predicted tags, and one linear baseline a store."""
    files: Files = []
    for run, linear in _with_linear(plan):
        main = run.stages[run.last_stage]["iterations"]
        for part in run.parts:
            files += [run.file(f"scores/{one}/{part.name}.csv") for one in (f"sweep/n{main}", "tags")]
        files += linear.baselines(["image"])
    return list(dict.fromkeys(files))


def gain_settings(plan: Plan) -> list[Settings]:
    """What the figure says of each run."""
    return [
        {
            "run": run.name,
            "linear": linear.name,
            "dataset": run.dataset.title,
            "features": run.settings["features"]["name"],
            "start": run.settings["inference"]["start_state"],
            "pairs": run.settings["pairs"],
            "method": run.last_stage,
            "iterations": run.stages[run.last_stage]["iterations"],
            "metric": run.headline,
        }
        for run, linear in _with_linear(plan)
    ]


def _with_linear(plan: Plan) -> list[tuple[Run, Run]]:
    """Each run with the first of those of its store, whose classifiers on input features count for all."""
    first: dict[str, Run] = {}
    return [(run, first.setdefault(run.store, run)) for run in gaining(plan)]


def validation_seen(run: Run) -> bool:
    """Whether the unsupervised training has seen the validation rows."""
    return "validation" in run.settings["rows"]["parts"] and not run.source.learns_once


def table_inputs(run: Run, table: str) -> Files:
    """The scores of a table."""
    return TABLES[table].inputs(run)


def table_settings(run: Run, table: str) -> Settings:
    """The settings of a table."""
    return TABLES[table].settings(run)


def costs(run: Run, table: str) -> Settings:
    """The files that say what the models of a table cost, where it shows that."""
    if table not in ("table2", "table4"):
        return {}
    parts = [part.name for part in run.parts]
    return {
        model: {
            "network": run.weights(model, parts[0]),
            "layers": run.layers_of(model, parts[0]),
            "trainings": [run.training_benchmarks(model, part) for part in parts],
        }
        for model in run.models
    }


def figure_inputs(run: Run, figure: str) -> Files:
    """The files that a figure is drawn from."""
    return FIGURES[figure].inputs(run)


def figure_settings(run: Run, figure: str) -> Settings:
    """The settings of a figure."""
    return FIGURES[figure].settings(run)


def every_score(run: Run | Theory) -> Files:
    """The files of scores behind all that is to be made of the run; the theory has none."""
    if isinstance(run, Theory):
        return []
    names = [name for name in run.settings["outputs"] if name in TABLES]
    files = [path for name in names for path in table_inputs(run, name)]
    if "iterations" in run.settings["outputs"]:
        files += figure_inputs(run, "iterations")
    return list(dict.fromkeys(files))


# -- what a user may ask for -------------------------------------------------------------------------------


def _table(name: str) -> Callable[[Run], Files]:
    return lambda run: [run.file(f"tables/{name}.csv"), run.file(f"tables/{name}.md")]


def _figure(name: str) -> Callable[[Run], Files]:
    return lambda run: [run.file(f"figures/{name}.png"), run.file(f"figures/{name}.svg")]


def _drawn(name: str) -> Callable[[Run], Files]:
    def files(run: Run) -> Files:
        run.source.images()
        return [run.file(f"figures/{name}.png")]

    return files


def _tags(run: Run) -> Files:
    return [*_table("tags")(run), *(_drawn("predicted_tags")(run) if run.dataset.keeps_images else [])]


def _card(run: Run) -> Files:
    run.source.images()
    return [path for files in run.source.card().values() for path in files]


def halves(run: Run) -> bool:
    """Whether a run has the table and figures of two halves: one class a row."""
    return run.dataset.labels == "single" and bool(run.compared)


def several(run: Run) -> bool:
    """Whether a run has the tables of labels: several a row."""
    return run.dataset.labels == "multi" and bool(run.compared)


def deep(run: Run) -> bool:
    """Whether a run has a network to finetune."""
    return bool(run.stages)


def with_pairs(run: Run) -> bool:
    """Whether a run has such a network, and says from how many pairs it learns."""
    return deep(run) and "pairs" in run.settings


@dataclass(frozen=True)
class Target:
    """What is made of a run where it is asked for by name, and whether a run can make it."""

    files: Callable[[Run], Files]
    fits: Callable[[Run], bool]


TARGETS: dict[str, Target] = {
    **{name: Target(_table(name), halves) for name in ("table1",)},
    **{name: Target(_figure(name), halves) for name in ("figure2", "iterations", "training")},
    "features": Target(lambda run: [run.store], lambda run: run.dataset.labels == "multi"),
    "card": Target(_card, lambda run: run.dataset.labels == "multi"),
    "reference": Target(_table("reference"), lambda run: run.dataset.labels == "multi"),
    "table2": Target(lambda run: [*_table("table2")(run), run.file("tables/table2_classes.csv")], several),
    "table3": Target(lambda run: [*_table("table3")(run), *_figure("table3")(run)], deep),
    "table4": Target(_table("table4"), lambda run: several(run) and run.headline == "map_11_points"),
    "ablation": Target(_table("ablation"), lambda run: several(run) and bool(run.layered)),
    "retrieval": Target(lambda run: [*_table("retrieval")(run), *_figure("recall")(run)], several),
    "missing_tags": Target(_figure("missing_tags"), deep),
    "gain": Target(lambda _: [f"{GAIN}.{ending}" for ending in ("png", "svg", "csv", "md")], with_pairs),
    "trade": Target(_figure("trade"), several),
    "tag_search": Target(_table("tag_search"), deep),
    "tags": Target(_tags, deep),
    "figure3": Target(_drawn("figure3"), deep),
    "figure4": Target(_drawn("figure4"), deep),
    "learning": Target(_figure("learning"), deep),
    "model": Target(Run.exported, lambda run: bool(run.exported())),
    "search": Target(_table("search"), deep),
    "chosen": Target(_table("chosen"), lambda run: bool(run.searched)),
    "scores": Target(lambda run: [run.file("scores.csv")], lambda run: bool(every_score(run))),
}
"""Name -> what is made of a run."""


def of_target(plan: Plan, name: str) -> list[Run]:
    """The runs that list a target among their outputs, else all that can make it.

    Raises `ConfigError` where no run can.
    """
    runs = [run for run in plan.runs.values() if name in run.settings["outputs"]]
    runs = runs or [run for run in plan.runs.values() if TARGETS[name].fits(run)]
    if not runs:
        known = ", ".join([*plan.runs, *plan.theory])
        forms = {run.dataset.name: presets(run.dataset.name) for run in plan.runs.values()}
        listed = "; ".join(f"of {dataset}: {', '.join(names)}" for dataset, names in forms.items() if names)
        raise ConfigError(
            f"No run of this config makes {name} (runs: {known}); choose another by --configfile, --config "
            f"runs=[NAME] or --config preset=NAME{f' ({listed})' if listed else ''}."
        )
    return runs


def target(plan: Plan, name: str) -> Files:
    """The files of a target, each once; raises as `of_target`."""
    files = [
        path for run in of_target(plan, name) for path in [*TARGETS[name].files(run), run.file("config.yaml")]
    ]
    return list(dict.fromkeys(files))


def theory(plan: Plan) -> Files:
    """The tables and figures of the theory; raises `ConfigError` where no run has it."""
    if not plan.theory:
        raise ConfigError("No run of this config has a theory; add theory to its runs.")
    return [path for run in plan.theory.values() for path in [*run.tables(), *run.figures()]]


def shown(run: Run | Theory, folder: str, ending: str) -> Files:
    """The tables (`tables`, `md`) or figures (`figures`, `png`) of the outputs of a run, for its page."""
    if isinstance(run, Theory):
        return run.tables() if folder == "tables" else run.figures()
    outputs = [name for name in run.settings["outputs"] if name in TARGETS]
    if not run.dataset.keeps_images:
        outputs = [name for name in outputs if name not in ("card", "figure3", "figure4")]
    files = [path for name in outputs for path in TARGETS[name].files(run)]
    marks = (f"/{folder}/", "/card/")
    return [path for path in files if path.endswith(f".{ending}") and any(mark in path for mark in marks)]


def made(run: Run | Theory) -> Files:
    """All that a run's outputs list but its page: what the page is written after."""
    if isinstance(run, Theory):
        return [*run.tables(), *run.figures()]
    outputs = [name for name in run.settings["outputs"] if name in TARGETS]
    files = [path for name in outputs for path in TARGETS[name].files(run)]
    scores = [run.file("scores.csv")] if every_score(run) else []
    return list(dict.fromkeys([*files, *scores]))


def everything(plan: Plan) -> Files:
    """What `all` makes: the outputs of each run, and its page if it has one.

    In an empty folder the page alone would do, but where it is there, no other output that was lost would be
    made again.
    """
    runs: list[Run | Theory] = [*plan.runs.values(), *plan.theory.values()]
    files: Files = []
    for run in runs:
        files += made(run)
        files += [run.file("report.md")] if "report" in run.settings["outputs"] else []
    return files


def pages(plan: Plan) -> Files:
    """The page of each run, whether or not it is among its outputs."""
    runs: list[Run | Theory] = [*plan.runs.values(), *plan.theory.values()]
    return [run.file("report.md") for run in runs]


def about(run: Run | Theory) -> str:
    """What the first line of a run's page says."""
    if isinstance(run, Theory):
        return f"Checks by exact enumeration: {', '.join(EXPERIMENTS)}; seed {run.seed()}"
    seeds = run.settings["seeds"]
    splits = "" if run.one_split else f"{len(run.settings['splits'])} splits, "
    listed = f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
    described = f", images described by {run.source.described_by}" if run.dataset.has_images else ""
    return f"{run.dataset.title} (`{run.dataset.name}`), {splits}{listed}{described}"


def theory_numbers(run: Run | Theory) -> Settings:
    """The files with the numbers of the theory, in the order of `theory_findings`, and labels of methods."""
    if isinstance(run, Theory):
        return {"numbers": [run.file(f"{name}.json") for name in EXPERIMENTS], "labels": labels(METHODS)}
    return {}


def sources(run: Run | Theory) -> Files:
    """What a run is made from: the raw files that are kept, a file of features if any, and the store."""
    if isinstance(run, Theory):
        return []
    source = run.source
    own = [source.feature_file] if source.features["kind"] == "file" else []
    return [*source.catalogue_inputs().values(), *own, run.store]


def benchmarks(run: Run | Theory) -> list[str]:
    """Folders of the runtime and memory of the jobs behind a run."""
    own = [run.file("benchmarks")]
    return own if isinstance(run, Theory) else [*own, f"{run.source.folder}/benchmarks"]
