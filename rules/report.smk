# SPDX-License-Identifier: MIT
# Seconds each, too little for a job of a cluster.
localrules:
    dump_config,
    dump_flickr_config,
    write_report,
    write_flickr_report,


rule dump_config:
    output:
        "results/{run}/config.yaml",
    log:
        "results/{run}/logs/dump_config.log",
    params:
        config=digest_of(config),
        code=code("dump_config.py"),
    message:
        "Writing the resolved configuration"
    script:
        "../workflow_scripts/dump_config.py"


rule dump_flickr_config:
    output:
        of_flickr("config.yaml"),
    log:
        of_flickr("logs/dump_config.log"),
    params:
        config=digest_of(config),
        code=code("dump_config.py"),
    message:
        "Writing the resolved configuration"
    script:
        "../workflow_scripts/dump_config.py"


# Benchmark files are read if they are there: as inputs, a lost one would mean to train again.
rule write_report:
    input:
        config="results/{run}/config.yaml",
        scores="results/{run}/scores.csv",
        tables=["results/{run}/tables/table1.md", *theory_files()["tables"]],
        figures=[
            *expand(
                "results/{{run}}/figures/{name}.png",
                name=["figure2", "iterations", "training"],
            ),
            *theory_files()["figures"],
        ],
    output:
        report="results/{run}/report.md",
        cost="results/{run}/cost.md",
    log:
        "results/{run}/logs/write_report.log",
    params:
        run=config["run"],
        about=f"Data set {config['dataset']}, {len(config['seeds'])} seeds "
        f"({', '.join(map(str, config['seeds']))})",
        benchmarks=["results/{run}/benchmarks"],
        code=code("write_report.py"),
    message:
        "Writing the report"
    script:
        "../workflow_scripts/write_report.py"


rule write_flickr_report:
    input:
        config=of_flickr("config.yaml"),
        store=FLICKR_STORE,
        scores=of_flickr("scores.csv") if every_score() else [],
        tables=[*flickr_tables(), *deep_tables(), *card_files()["card"]],
        figures=[*deep_figures(), *card_files()["figures"]],
        models=kept_models(),
    output:
        report=of_flickr("report.md"),
        cost=of_flickr("cost.md"),
    log:
        of_flickr("logs/write_report.log"),
    params:
        run=config["flickr"]["run"],
        about=f"Data set {config['flickr']['dataset']}",
        benchmarks=[
            of_flickr("benchmarks"),
            f"results/data/{config['flickr']['dataset']}/benchmarks",
        ],
        code=code("write_report.py"),
    message:
        "Writing the report on pictures and tags"
    script:
        "../workflow_scripts/write_report.py"
