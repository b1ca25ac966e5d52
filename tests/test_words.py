# SPDX-License-Identifier: MIT
"""The field's terms are used throughout: words that they took the place of do not come back."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACES = ("mvi", "workflow_scripts", "rules", "config", "docs", "report", "README.md", "profiles")
# What each pattern stands for, by the term that is used instead.
INSTEAD = {
    "image": r"pictur",
    "translated copies": r"moved copies",
    "full precision": r"exact.products",
    "exported model": r"(keep|kept).model\b",
    "linear baselines, input features": r"reference.rows|raw.inputs",
    "oracle": r"best possible",
    "monitor": r"\b(un)?watch(ed|es)?\b",
    "probability, cosine similarity": r"\bchances\b|\bcloseness\b",
    "image-only, text-only": r"(words|tags|image) alone[\"']",
    "initial weights, learning rate": r"first weights|\bsd of the\b",
    "joint layer": r"top.layer\b",
    "interface, method": r"\bverbs?\b",
    "bottom-up input": r"(\.|_|def )raised\b",
    "stack": r"hand(ed)?.over|put.under|carry.offset",
    "evaluate, score": r"judg(e|ed|es|ing)\b",
    "k of precision@k": r"[\"']tops[\"']|\btops?: (\{\$ref|\[\d)|precision_at_<top>",
    "wins": r"\| above 0",
    "deviance explained": r"share explained",
    "runtime and memory": r"what it costs",
}
# Names in files that were written before, which stay so that these are read, and former keys.
STORED = re.compile(
    r"pictures\.zip|[\"'](pictures(_without_tag|_by_tags)?|picture_size|per_picture|judged|chances)[\"']"
    r"|tags_(pictures|pictures_without_tag|per_picture|judged)|queries_judged"
)
FORMER = {
    "config/README.md": r"## Former spellings.*?(?=\n## )",
    "mvi/workflow/schema.py": r"FORMERLY = \{.*?\n\}",
    # Copied from results, with the words of their time.
    "docs/results.md": r"<!-- begin: \S+ -->.*?<!-- end -->",
    "docs/tuning-log.md": r"<!-- begin: \S+ -->.*?<!-- end -->",
    "docs/benchmarks.md": r"<!-- begin: \S+ -->.*?<!-- end -->",
}


def texts() -> dict[str, str]:
    """The text of every file in `PLACES`, by its path, without what may bear an older name."""
    paths = [
        path
        for place in PLACES
        for path in ((ROOT / place).rglob("*") if (ROOT / place).is_dir() else [ROOT / place])
    ]
    found = {}
    for path in paths:
        if path.suffix in (".py", ".smk", ".yaml", ".md", ".rst", ".html"):
            name = str(path.relative_to(ROOT))
            text = STORED.sub("", path.read_text(encoding="utf-8"))
            found[name] = re.sub(FORMER[name], "", text, flags=re.DOTALL) if name in FORMER else text
    return found


TEXTS = texts()


@pytest.mark.parametrize("term", INSTEAD)
def test_words_that_a_term_took_the_place_of_do_not_come_back(term):
    found = [
        f"{name}: {line.strip()}"
        for name, text in TEXTS.items()
        for line in text.splitlines()
        if re.search(INSTEAD[term], line, re.IGNORECASE)
    ]
    assert not found, f"write {term}"
