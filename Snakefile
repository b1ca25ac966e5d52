# SPDX-License-Identifier: MIT
from snakemake.utils import min_version

min_version("9.0")


# For Snakemake's linter; jobs run in the environment that started Snakemake (envs/README.md).
container: "docker://python:3.12-slim"


configfile: "config/config.yaml"


for _name in (
    *("common", "common_pictures", "common_deep", "common_search"),
    "common_results",
):

    include: f"rules/{_name}.smk"


wildcard_constraints:
    run=one_of(config["run"]),  # not made with this run's settings: a path of another
    method=one_of(*config["halves"]["compare"]),
    seed=r"\d+",
    experiment=one_of(*theory_experiments()),


rule all:
    input:
        reports(),


for _name in (
    *("retrieve", "features", "stores", "pretrain", "joint", "search"),
    *("finetune", "baselines", "evaluate", "evaluate_deep"),
    *("retrieval", "theory", "tables", "tables_deep"),
    *("figures_deep", "report", "collect"),
):

    include: f"rules/{_name}.smk"
