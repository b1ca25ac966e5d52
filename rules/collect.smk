# SPDX-License-Identifier: MIT


# What to ask for by name: snakemake --cores all table1
localrules:
    table1,
    figure2,
    iterations,
    training,
    theory,
    features,
    card,
    reference,
    report,


rule table1:
    input:
        expand(rules.write_table1.output, run=config["run"]),
        expand(rules.dump_config.output, run=config["run"]),


rule figure2:
    input:
        expand(rules.draw_figure2.output, run=config["run"]),
        expand(rules.dump_config.output, run=config["run"]),


rule iterations:
    input:
        expand(rules.draw_iterations.output, run=config["run"]),
        expand(rules.dump_config.output, run=config["run"]),


rule training:
    input:
        expand(rules.draw_training.output, run=config["run"]),
        expand(rules.dump_config.output, run=config["run"]),


rule theory:
    input:
        expand(rules.theory_figure.output, experiment=theory_experiments()),
        rules.theory_table.output,


rule features:
    input:
        FLICKR_STORE,


rule card:
    input:
        **card_files(),


rule reference:
    input:
        flickr_tables(),
        of_flickr("config.yaml"),


rule report:
    input:
        reports(),
