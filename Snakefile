# SPDX-License-Identifier: MIT
from snakemake.utils import min_version

min_version("9.0")


# For Snakemake's linter; jobs run in the environment that started Snakemake (envs/README.md).
container: "docker://python:3.12-slim"


configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/common_pictures.smk"


wildcard_constraints:
    run=one_of(config["run"]),  # not made with this run's settings: a path of another
    method=one_of(*config["halves"]["compare"]),
    seed=r"\d+",
    experiment=one_of(*theory_experiments()),


rule all:
    input:
        reports(),


include: "rules/retrieve.smk"
include: "rules/features.smk"
include: "rules/stores.smk"
include: "rules/joint.smk"
include: "rules/evaluate.smk"
include: "rules/baselines.smk"
include: "rules/theory.smk"
include: "rules/tables.smk"
include: "rules/report.smk"
include: "rules/collect.smk"
