# SPDX-License-Identifier: MIT
from snakemake.utils import min_version

min_version("9.0")


# For Snakemake's linter; jobs run in the environment that started Snakemake (envs/README.md).
container: "docker://python:3.12-slim"


configfile: "config/config.yaml"


include: "rules/common.smk"


complete(config)


include: "rules/common_pictures.smk"


# A path of another run is refused rather than made with this run's settings.
wildcard_constraints:
    run=one_of(config["run"]),
    method=one_of(*config["halves"]["compare"]),
    seed=r"\d+",
    experiment=one_of(*theory_experiments()),


rule all:
    input:
        reports(),


# In the order of the work; rules refer to those before them.
PHASES = "retrieve digits features joint evaluate baselines reference theory tables report collect"
for phase in PHASES.split():

    include: f"rules/{phase}.smk"
