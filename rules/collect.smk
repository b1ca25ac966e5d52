# SPDX-License-Identifier: MIT
# What to ask for by name: snakemake --cores all table1


localrules:
    theory,
    report,
    dump_config,
    write_report,


for _target in results.TARGETS:

    rule:
        name:
            _target
        input:
            lambda wildcards, name=_target: checked(results.target, PLAN, name),
        localrule: True


rule theory:
    input:
        lambda wildcards: checked(results.theory, PLAN),


rule report:
    input:
        lambda wildcards: checked(results.pages, PLAN),
    output:
        "results/report.html",
    log:
        "results/report.log",
    params:
        pages=lambda wildcards: checked(results.pages, PLAN),
        code=code("join_reports.py"),
    message:
        "Joining the pages of all runs"
    script:
        "../workflow_scripts/join_reports.py"


rule dump_config:
    output:
        "results/{run}/config.yaml",
    log:
        "results/{run}/logs/dump_config.log",
    wildcard_constraints:
        run=one_of([*PLAN.runs, *PLAN.theory]),
    params:
        config=lambda wildcards: plan.digest(
            {**config, "runs": config["runs"][wildcards.run]}
        ),
        code=code("dump_config.py"),
    message:
        "Writing the resolved configuration of {wildcards.run}"
    script:
        "../workflow_scripts/dump_config.py"


# Benchmark files are read if they are there: as inputs, a lost one would mean to train again.
rule write_report:
    input:
        of(results.made),
        config="results/{run}/config.yaml",
    output:
        report="results/{run}/report.md",
        page=report(
            "results/{run}/report.html",
            category="Pages",
            caption="../report/page.rst",
        ),
        findings="results/{run}/findings.txt",
        cost="results/{run}/cost.md",
        checksums="results/{run}/checksums.txt",
    log:
        "results/{run}/logs/write_report.log",
    wildcard_constraints:
        run=one_of([*PLAN.runs, *PLAN.theory]),
    params:
        run="{run}",
        about=of(results.about),
        tables=of(lambda run: results.shown(run, "tables", "md")),
        figures=of(lambda run: results.shown(run, "figures", "png")),
        benchmarks=of(results.benchmarks),
        scores=of(results.every_score),
        questions=of(results.questions),
        theory=of(results.theory_numbers),
        sources=of(results.sources),
        code=code("write_report.py"),
    message:
        "Writing the page of {wildcards.run}"
    script:
        "../workflow_scripts/write_report.py"


onsuccess:
    print(*at_end(), sep="\n", file=sys.stderr)
