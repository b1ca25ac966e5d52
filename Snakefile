# SPDX-License-Identifier: MIT
from snakemake.utils import min_version

# Before, a time limit set by --set-resources was taken for seconds.
min_version("9.20")


# For Snakemake's linter; jobs run in the environment that started Snakemake (envs/README.md).
container: "docker://python:3.12-slim"


configfile: "config/config.yaml"


include: "rules/common.smk"


# A path of a run that the config does not have is made by no rule.
wildcard_constraints:
    run=one_of(PLAN.runs),
    part=r"choice|(seed\d+|unlabelled|split\d+)(-seed\d+)?",
    batch=r"every|(seed\d+|unlabelled|split\d+)(-seed\d+)?",
    modality=one_of(PLAN.modalities),
    method=one_of(METHODS),
    model=one_of(PLAN.models),
    scored=one_of(PLAN.scored),
    stage=one_of(PLAN.stages),
    layer=r"[1-9]",
    iterations=r"\d+",
    trial=r"\d+",
    candidate=r"\d+",
    input=r"[^/]+",
    dataset=one_of(DATASETS),
    features=one_of(PLAN.features),


rule all:
    input:
        lambda wildcards: checked(results.everything, PLAN),


include: "rules/download.smk"
include: "rules/features.smk"
include: "rules/stores.smk"
include: "rules/train.smk"
include: "rules/encode.smk"
include: "rules/evaluate.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/theory.smk"
include: "rules/collect.smk"
