# SPDX-License-Identifier: MIT
"""The tables, one function each: which scores (filter), in which rows and columns (pivot), which caption.

All take the scores, the published numbers and where the scores come from; names, labels and order of methods
come from the rule that writes the table.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

from mvi.evaluation.scores import CENTRED, UNTAGGED
from mvi.report import captions
from mvi.report.costs import COSTS, MINUTES, PARAMETERS
from mvi.report.queries import FILLED, LINEAR, query_title
from mvi.report.scores import Key, Scores, split_ratio
from mvi.report.sweep import sweep_lines
from mvi.report.tables import About, Column, Published, Table, Wanted

PARTS = ("test", "validation")
MAPS = ("map_interpolated", "map_noninterpolated", "map_step")
RETRIEVAL = f"retrieval_{MAPS[0]}"

INPUT_LABELS = {
    "image": "Image, all features",
    "gist": "GIST",
    "edge_histogram": "Edge histogram",
    "texture": "Homogeneous texture",
    "colour_structure": "Colour structure",
    "colour_layout": "Colour layout",
    "scalable_colour": "Scalable colour",
    "phow": "PHOW",
    "text": "Tags",
    "image+text": "Image and tags",
    "sqrt_image": "Image, signed square roots",
    "sqrt_image+text": "Image, signed square roots, and tags",
}
"""Input features in the order of the rows; others follow them under their own names."""

_LINEAR = {
    "raw": ("Linear baseline", LINEAR["raw"]),
    "roots": ("Linear baseline, signed square roots", LINEAR["roots"]),
}
"""Baselines with a linear classifier per query: label, and the input features that each query gives."""

_COSINES = {
    "raw": ("Cosine of input features", LINEAR["raw"]),
    "roots": ("Cosine of input features, signed square roots", LINEAR["roots"]),
}
"""Likewise by the cosine of input features."""

_PUBLISHED = {
    "mdrnn": "MDRNN, published",
    "mdbm": "Multimodal DBM, published",
    "mdbn": "Multimodal DBN, published",
}
"""Methods of which published numbers have a row of their own."""


@dataclass(frozen=True)
class Row:
    """A row of a table: `method` is whose scores it shows, `quoted` whose published numbers, or by query."""

    name: str
    label: str
    method: str | Mapping[str, str]
    kind: str = "model"
    variant: str = ""
    quoted: str | Mapping[str, str] = ""

    def key(self, query: str, metric: str, part: str) -> Key:
        """Where its scores are."""
        return Key(_of(self.method, query), metric, query, part, self.variant)

    def cells(
        self, queries: Iterable[str], metrics: Iterable[str], parts: Iterable[str] = PARTS
    ) -> list[Wanted]:
        """Its cells for the queries that it answers."""
        return [
            Wanted(self.name, self.label, key, self.kind, quoted=_of(self.quoted, query))
            for query, metric, part in product(queries, metrics, parts)
            if (key := self.key(query, metric, part)).method
        ]

    def minus(self, other: "Row", query: str, metrics: Iterable[str]) -> list[Wanted]:
        """The differences to another row by one query."""
        label = f"{self.label} - {other.label}, {query_title(query)}"
        return [
            Wanted(
                f"{self.name} - {other.name}",
                label,
                self.key(query, metric, part),
                "difference",
                minus=other.key(query, metric, part),
            )
            for metric, part in product(metrics, PARTS)
        ]


def _of(given: str | Mapping[str, str], query: str) -> str:
    return given if isinstance(given, str) else given.get(query, "")


def _published(
    published: Published, metrics: Iterable[str], queries: Iterable[str], *methods: str
) -> list[Wanted]:
    """Cells of methods of which only published numbers are shown."""
    return [
        Wanted(
            key.method,
            _PUBLISHED[key.method] + (", non-interpolated AP" if key.metric == MAPS[1] else ""),
            key,
            "published",
            quoted=key.method,
        )
        for key in published
        if key.method in methods and key.metric in metrics and key.query in queries and key.iterations is None
    ]


def _model_rows(
    models: Mapping[str, str], variants: Iterable[str], quoted: Mapping[str, str], *, only: bool = False
) -> list[Row]:
    """A row for each variant and model, which is named by its variant unless this is the `only` one.

    quoted: model -> the method whose published numbers stand beside it, of classifiers as those had
    """
    return [
        Row(f"{name}/mixed", f"{label}, mixed", name, variant=variant)
        if variant == "mixed" and not only
        else Row(name, label, name, variant=variant, quoted=quoted.get(name, ""))
        for variant, (name, label) in product(variants, models.items())
    ]


def _label_metrics(scores: Scores, methods: Iterable[str], metrics: Iterable[str], k: int) -> list[str]:
    """`metrics`, and precision@k if every part has more rows: of fewer it says nothing."""
    rows = [count for part in PARTS for count in scores.values("rows", part, set(methods))]
    return [*metrics, *([f"precision_at_{k}"] if k < min(rows, default=0) else [])]


def table1(
    scores: Scores,
    published: Published,
    about: About,
    *,
    methods: Mapping[str, str],
    baselines: Mapping[str, str],
    queries: Sequence[str],
    variants: Sequence[str],
    metrics: Sequence[str] = ("error",),
) -> Table:
    """Recognition error, or another headline of the data set, of every method and query.

    methods, baselines: name -> label, in the order of the rows
    variants: whose features the classifiers learned from, "multimodal" or "mixed", or both
    metrics: those of the data set, the headline first
    """
    rows = _model_rows(methods, variants, {name: name for name in methods}, only=len(variants) == 1)
    rows += [Row(name, label, name, "baseline") for name, label in baselines.items()]
    wanted = [cell for row in rows for cell in row.cells(queries, metrics)]
    copies = scores.values("rows", "copies", methods)
    told = {"multimodal": "multimodal features only", "mixed": "features of every query"}
    learned = " or ".join(told[variant] for variant in variants)
    caption = [
        captions.what("Table 1", f"{captions.metric(metrics[0])} (test set)", about),
        captions.sizes(scores, methods)
        + f" Linear SVM trained on {learned}"
        + (f" and on {captions.span(copies)} translated copies" if copies else "")
        + ", C chosen by validation error.",
        captions.numbers("seed", scores, published, wanted, "lowest error of the trained models"),
    ]
    columns = [
        Column(query_title(query), metrics[:1], {"query": query}, form=".2f", best="lowest")
        for query in queries
    ]
    return Table(wanted, columns, caption, "Method", "seeds")


def reference(
    scores: Scores,
    published: Published,
    about: About,
    *,
    inputs: Sequence[str],
    k: int,
    metrics: Sequence[str] = MAPS,
) -> Table:
    """Mean average precision of a linear classifier on each kind of input features.

    inputs: those that were classified
    k: of precision@k
    metrics: those of the data set, the headline first
    """
    names = [*(name for name in INPUT_LABELS if name in inputs), *sorted(set(inputs) - set(INPUT_LABELS))]
    measured = _label_metrics(scores, names, metrics, k)
    wanted = []
    for name in names:
        row = Row(name, INPUT_LABELS.get(name, name), name, "baseline", quoted=name)
        wanted.append(Wanted(name, row.label, Key(name, "features", part=""), row.kind))
        wanted += row.cells(scores.queries(name, metrics[0]), measured)
    caption = [
        captions.what("Linear baselines on input features", captions.metric(metrics[0], "test set"), about),
        captions.line(about.note, captions.sizes(scores, names), captions.logistic(scores, names)),
        captions.numbers("split", scores, published, wanted),
    ]
    columns = [
        Column("dimensions", ["features"], parts=[""], form=",.0f", spread=False),
        Column("mAP", metrics[:1]),
    ]
    return Table(wanted, columns, caption, "Input")


def table2(
    scores: Scores,
    published: Published,
    about: About,
    *,
    models: Mapping[str, str],
    scored: Mapping[str, str],
    variants: Sequence[str],
    queries: Sequence[str],
    main: str,
    compared: Sequence[Sequence[str]],
    k: int,
    training: Mapping[str, Any],
    metrics: Sequence[str] = MAPS,
    title: str = "Table 2",
) -> Table:
    """Mean average precision of every model and query, and of baselines; runtime, and other measures.

    Retrieval, costs and precision@k are shown where there are scores of them.

    models: name -> label, in the order of the rows
    scored: the same of methods without representation, which are no models but score labels themselves
    variants: whose features the classifiers learned from, "multimodal" or "mixed"
    queries: the multimodal one first, then the image-only one
    main: the model that is compared with the baselines; the MDRNN's published numbers stand beside it
    compared: pairs of models that are compared by the image-only query
    k: of precision@k
    training: of `captions.unsupervised`
    metrics: those of the data set, the headline first
    title: what the caption calls it
    """
    rows = {row.name: row for row in _model_rows(models, variants, {main: "mdrnn"})}
    others = [Row(name, label, name, "baseline") for name, label in scored.items()]
    linear = []
    for name, (label, inputs) in _LINEAR.items():
        known = {query: method for query, method in inputs.items() if scores.has(method)}
        linear.append(Row(name, label, known, "baseline", quoted=known))
    filled = [Row(name, label, name, "baseline") for name, label in FILLED.items() if scores.has(name)]
    measured = _label_metrics(scores, models, metrics, k)
    lines = (*rows.values(), *others, *linear, *filled)
    wanted = [cell for row in lines for cell in row.cells(queries, measured)]
    # After the others, so that a column that names no variant has theirs.
    for row in (*(row for row in rows.values() if row.variant == variants[0]), *linear, *filled):
        method = _of(row.method, queries[0])
        # The same classifiers, where the tags of images without any are not known.
        if method and scores.has(method, UNTAGGED):
            wanted += replace(row, variant=UNTAGGED, quoted="").cells(queries[:1], measured, PARTS[:1])
        found = {query: one for query in queries if scores.has(one := _of(row.method, query), CENTRED)}
        searched = replace(row, method=found, variant=CENTRED, quoted="")
        wanted += searched.cells(queries, [RETRIEVAL], PARTS[:1])
    costs = []
    for row, cost in product(rows.values(), COSTS):
        if scores.has(row.name, cost):
            wanted.append(Wanted(row.name, row.label, Key(row.name, cost, part="", variant=cost)))
            costs.append(cost)
    wanted += _published(published, metrics, queries, "mdbm", "mdbn")
    if main in rows:
        for row, query in product(linear, queries[:2]):
            if row.key(query, metrics[0], "test").method:
                wanted += rows[main].minus(row, query, measured)
    for left, right in compared:
        wanted += rows[left].minus(rows[right], queries[1], measured)
    caption = [
        captions.what(title, captions.metric(metrics[0], "test set"), about),
        captions.line(about.note, captions.unsupervised(**training)),
        captions.line(
            captions.sizes(scores, models),
            captions.logistic(scores, models),
            "Mixed: of the features of every query." if len(rows) > len(models) else "",
            "Minutes: of one core, all trainings for a split." if MINUTES in costs else "",
            captions.numbers("split", scores, published, wanted, _told(scores)),
        ),
    ]
    # Of some published models only the non-interpolated AP is known.
    shown = [metrics[0], MAPS[1]]
    columns = [Column(query_title(query), shown, {"query": query}, best="highest") for query in queries]
    columns += [
        Column("parameters", [PARAMETERS], parts=[""], form=",.0f", spread=False),
        Column("minutes", [MINUTES], parts=[""], form=",.1f", spread=False),
    ]
    short = {query: "both" if "+" in query else query for query in queries}
    best: dict[str, Any] = {"best": "highest", "spread": False}
    more = [
        Column(f"{letter} {short[query]}", [metric], {"query": query}, **best)
        for letter, metric in (("R", RETRIEVAL), ("P", f"precision_at_{k}"))
        for query in queries
    ]
    more.append(Column("inferred", metrics[:1], {"variant": UNTAGGED}, **best))
    # Of a data set with a headline of its own: its second metric, and what everything else here is scored by.
    beside = [] if metrics[0] in MAPS else metrics[1:3]
    more += [
        Column(f"{captions.short(metric)} {short[query]}", [metric], {"query": query}, **best)
        for metric, query in product(beside, queries[:2])
    ]
    named = f" {', '.join(map(captions.short, beside))}: mAP by that AP." if beside else ""
    return Table(
        wanted,
        columns,
        caption,
        more=more,
        about_more=f"R: retrieval mAP (interpolated, centred). P: precision@{k}. inferred: "
        f"mAP of multimodal queries that infer the tags of images without any.{named}",
        ratio=split_ratio(scores, models),
        ruled=True,
    )


def table3(
    scores: Scores,
    published: Published,
    about: About,
    *,
    sweep: Mapping[str, Any],
    training: Mapping[str, Any],
    metrics: Sequence[str] = MAPS,
) -> Table:
    """Mean average precision by the number of mean-field iterations.

    sweep: arguments of `sweep_lines`
    training: of `captions.unsupervised`
    metrics: those of the data set, the headline first
    """
    titles = {query: query_title(query).capitalize() for query in sweep["queries"]}
    wanted = []
    for line in sweep_lines(**sweep):
        kind = line.kind
        if kind == "trained":
            kind = f"trained with {next(iter(line.training.values()))}"
        row, label = f"{kind}/{line.query}", f"{titles[line.query]}, {kind}"
        steps = _steps(list(line.training)) if line.inferred or kind == "matched" else []
        if line.kind == "trained":
            steps = steps[-1:]
        for metric, part in product(metrics, PARTS):
            keys = line.keys(metric, part)
            wanted += [Wanted(row, label, key, iterations=n) for n, key in keys.items()]
            for before, after in steps:
                name, text = f"{row}/{after}-{before}", f"{label}: {after} - {before}"
                wanted.append(Wanted(name, text, keys[after], "difference", minus=keys[before]))
    for key in published:
        if key.iterations is not None and key.query in titles:
            row, label = f"published/{key.query}", f"{titles[key.query]}, published (validation set)"
            wanted.append(Wanted(row, label, key, "published", iterations=key.iterations, quoted=key.method))
    caption = [
        captions.what(
            "Table 3",
            f"{captions.metric(metrics[0], 'test set')} by mean-field iterations at test",
            about,
        ),
        captions.line(about.note, captions.unsupervised(**training)),
        captions.line(
            f"Fixed: {sweep['main']} iterations in training; matched: as many as at test.",
            captions.logistic(scores, [sweep["method"]]),
            captions.numbers("split", scores, published, wanted),
        ),
    ]
    numbers = sorted({cell.iterations for cell in wanted if cell.iterations is not None})
    columns = [Column(str(n), metrics[:1], {"iterations": n}, parts=PARTS) for n in numbers]
    return Table(wanted, columns, caption, "Iterations")


def _steps(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """From the smallest number to the next, from there to the largest, and the whole way."""
    if len(numbers) < 2:
        return []
    first, second, last = numbers[0], numbers[1], numbers[-1]
    return list(dict.fromkeys(p for p in ((first, second), (second, last), (first, last)) if p[0] < p[1]))


def retrieval(
    scores: Scores,
    published: Published,
    about: About,
    *,
    models: Mapping[str, str],
    queries: Sequence[str],
    training: Mapping[str, Any],
) -> Table:
    """Mean average precision of ranking other images by a query; arguments as for `table2`."""
    metrics = [f"retrieval_{name}" for name in MAPS]
    rows = _with_centred([Row(name, label, name) for name, label in models.items()], scores)
    for name, (label, inputs) in _COSINES.items():
        known = {query: method for query, method in inputs.items() if scores.has(method)}
        rows += _with_centred([Row(f"cosine_{name}", label, known, "baseline")], scores) if known else []
    wanted = [cell for row in rows for cell in row.cells(queries, metrics, PARTS[:1])]
    chance = Row("chance", "Random ranking, non-interpolated AP", "chance", "baseline")
    wanted += chance.cells(queries, metrics[1:2], PARTS[:1])
    wanted += _published(published, ["retrieval_map"], queries, "mdrnn", "mdbm")

    def count(what: str) -> str:
        return captions.span(scores.values(f"retrieval_{what}", "test", models))

    caption = [
        captions.what(
            "Retrieval", "Mean average precision (interpolated) of ranking test images by cosine", about
        ),
        captions.line(about.note, captions.unsupervised(**training)),
        captions.line(
            f"{count('queries')} queries ({count('queries_judged')} with a relevant image), database of "
            f"{count('database')}.",
            captions.numbers("split", scores, published, wanted, "best model"),
        ),
    ]
    # The papers do not say which average precision they took; a random ranking's is known in one.
    shown = [metrics[0], "retrieval_map", metrics[1]]
    columns = [Column(query_title(query), shown, {"query": query}, best="highest") for query in queries]
    return Table(wanted, columns, caption)


def _with_centred(rows: Iterable[Row], scores: Scores) -> list[Row]:
    """Each row, and after it that of codes around the mean of their kind of query where there are scores."""
    found = []
    for row in rows:
        methods = [row.method] if isinstance(row.method, str) else row.method.values()
        found.append(row)
        if all(scores.has(method, CENTRED) for method in methods):
            label = f"{row.label}, centred"
            found.append(replace(row, name=f"{row.name}/{CENTRED}", label=label, variant=CENTRED))
    return found


def tag_search(
    scores: Scores,
    published: Published,
    about: About,
    *,
    models: Mapping[str, str],
    main: str,
    k: int,
    training: Mapping[str, Any],
) -> Table:
    """Precision of the images found first by one tag at a time.

    models: name -> label, in the order of the rows
    main: the model whose probabilities of tags rank images too
    k: of precision@k
    training: of `captions.unsupervised`
    """
    tagged, untagged = (f"tag_search_{known}_precision_at_{k}" for known in ("tagged", "untagged"))
    different = "tag_search_tagged_different"
    rows = _with_centred([Row(name, label, name) for name, label in models.items()], scores)
    wanted = [cell for row in rows for cell in row.cells(["text"], [tagged, untagged, different], PARTS[:1])]
    probability = "probability"
    ranked = {main: f"{models[main]}, by P(tag given image)", "optimal": "Bayes-optimal P(tag given image)"}
    for name, label in ranked.items():
        if scores.has(name, probability):
            row = Row(f"{name}/{probability}", label, name, "baseline", probability)
            wanted += row.cells(["text"], [untagged], PARTS[:1])
    wanted += Row("chance", "Random ranking", "chance", "baseline").cells(
        ["text"], [tagged, untagged], PARTS[:1]
    )

    def count(what: str) -> str:
        return captions.span(scores.values(f"tag_search_{what}", "test", models))

    caption = [
        captions.what("Search by one tag", f"Share of images with the tag among the first {k}", about),
        captions.line(about.note, captions.unsupervised(**training)),
        captions.line(
            f"{count('tags')} commonest tags, {count('images')} test images.",
            captions.numbers("split", scores, published, wanted, "best model"),
        ),
    ]
    columns = [
        Column("images with their tags", [tagged], best="highest"),
        Column("images without", [untagged], best="highest"),
        Column("different images", [different]),
    ]
    return Table(wanted, columns, caption)


def tags(
    scores: Scores,
    published: Published,
    about: About,
    *,
    models: Mapping[str, str],
    query: str,
    ks: Sequence[int],
    training: Mapping[str, Any],
) -> Table:
    """Tags predicted from the image only, beside predictors that know less or more.

    models: name -> label
    query: what is given
    ks: of precision@k
    training: of `captions.unsupervised`
    """
    precisions = [f"tags_precision_at_{k}" for k in sorted(ks)]
    metrics = [*precisions, *(f"tags_{name}" for name in MAPS), "tags_log_loss"]
    rows = [Row(name, label, name) for name, label in models.items()]
    for name, features in (("image", ""), ("sqrt_image", ", signed square roots")):
        if scores.has(name):
            rows.append(Row(name, f"Logistic regression per tag{features}", name, "baseline"))
    rows.append(Row("marginal", "Tag frequencies of the training set", "marginal", "baseline"))
    if scores.has("optimal"):
        rows.append(Row("optimal", "Bayes-optimal (the generator's probabilities)", "optimal", "baseline"))
    wanted = [cell for row in rows for cell in row.cells([query], metrics, PARTS[:1])]
    oracle = Row("oracle", "Oracle ranking (upper bound)", "oracle", "baseline")
    wanted += oracle.cells([query], precisions, PARTS[:1])

    def count(what: str) -> str:
        return captions.span(scores.values(f"tags_{what}", "test", models))

    caption = [
        captions.what("Predicted tags", "Tags of test images predicted from the image", about),
        captions.line(about.note, captions.unsupervised(**training)),
        captions.line(
            f"{count('pictures')} images, {count('pictures_without_tag')} without tags;",
            f"{count('vocabulary')} tags, mAP of {count('judged')} with {count('minimum_positives')} images.",
            captions.numbers("split", scores, published, wanted, "best model"),
        ),
    ]
    columns = [
        *(
            Column(f"precision@{k}", [name], best="highest")
            for k, name in zip(sorted(ks), precisions, strict=True)
        ),
        Column("mAP (step)", ["tags_map_step"], best="highest"),
        Column("log loss (nats)", ["tags_log_loss"], form=".2f", best="lowest"),
    ]
    return Table(wanted, columns, caption, "Predictor")


@dataclass(frozen=True)
class Ablated:
    """A model of the ablation table: what it is made of, and whose scores it has."""

    method: str
    objective: str
    """Of its joint layer."""
    stage: str = ""
    """What of it is finetuned, "" for nothing."""
    directions: Sequence[str] = ()
    """The modalities that are predicted in that, each from the others."""
    trained: int = 0
    """Mean-field iterations in its last training."""
    tested: int | None = None
    """Those at test, of the scores that Table 2 shows; None of a model that it does not show."""
    swept: Sequence[int] = ()
    """Other numbers at test, whose scores have the variant of Table 3 and no text-only query."""


def ablation(
    scores: Scores,
    published: Published,
    about: About,
    *,
    models: Sequence[Mapping[str, Any]],
    queries: Sequence[str],
    variant: str,
    training: Mapping[str, Any],
    metrics: Sequence[str] = MAPS,
) -> Table:
    """What each part of the method is worth: objective of the joint layer, recurrence, finetuning, direction.

    models: fields of `Ablated`
    queries: the multimodal one first, then the image-only one
    variant: whose features the classifiers learned from
    training: of `captions.unsupervised`
    metrics: those of the data set, the headline first
    """
    wanted: list[Wanted] = []
    titles = ("finetuned", "predicting", "in training", "at test")
    facts: dict[str, dict[str, str]] = {title: {} for title in titles}
    for one in (Ablated(**fields) for fields in models):
        shown = {*one.swept, *([] if one.tested is None else [one.tested])}
        for tested in sorted(shown):
            row = f"{one.method}/trained={one.trained}/tested={tested}"
            told = (one.stage, " and ".join(one.directions), str(one.trained), str(tested))
            for title, text in zip(facts, told, strict=True):
                facts[title][row] = text or "-"
            for query, metric, part in product(queries, metrics, PARTS):
                if tested == one.tested:
                    key = Key(one.method, metric, query, part, variant)
                elif query in queries[:2]:
                    count = tested if query == queries[1] else None
                    key = Key(one.method, metric, query, part, f"trained={one.trained}", count)
                else:
                    continue
                wanted.append(Wanted(row, one.objective, key))
    names = {fields["method"] for fields in models}
    caption = [
        captions.what("Ablation", captions.metric(metrics[0], "test set"), about),
        captions.line(about.note, captions.unsupervised(**training)),
        captions.line(
            captions.sizes(scores, names),
            "Mean-field iterations in the last training and at test.",
            captions.numbers("split", scores, published, wanted, _told(scores)),
        ),
    ]
    columns = [Column(query_title(query), metrics[:1], {"query": query}, best="highest") for query in queries]
    more: dict[str, Any] = {"ratio": split_ratio(scores, names), "ruled": True, "facts": facts}
    return Table(wanted, columns, caption, "Joint layer", **more)


def _told(scores: Scores) -> str:
    """What is in bold of a table whose models are tested against the best."""
    several = len({split for split, _ in scores.repetitions()} - {None}) > 1
    return "best model" + (", and those that a test cannot tell from it" if several else "")


TABLES: dict[str, Callable[..., Table]] = {
    "table1": table1,
    "reference": reference,
    "table2": table2,
    "table3": table3,
    "table4": partial(table2, title="Table 4"),
    "ablation": ablation,
    "retrieval": retrieval,
    "tag_search": tag_search,
    "tags": tags,
}
