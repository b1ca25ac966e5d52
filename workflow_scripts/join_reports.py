# SPDX-License-Identifier: MIT
"""Write the pages of all runs as one file, with what they found first."""

from common import start

log = start(snakemake)

from pathlib import Path

from mvi.files import atomic
from mvi.report.page import Page, html_page

paths = [Path(path) for path in snakemake.params.pages]
pages = [Page(path.parent.name, path.read_text(encoding="utf-8"), path.parent) for path in paths]
with atomic(snakemake.output[0]) as temporary:
    temporary.write_text(html_page("Results", pages), encoding="utf-8")
