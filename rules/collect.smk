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
    table2,
    table3,
    retrieval,
    tags,
    figure3,
    figure4,
    learning,
    model,
    search,
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
        reference_table,
        of_flickr("config.yaml"),


rule table2:
    input:
        rules.write_table2.output,
        of_flickr("config.yaml"),


rule table3:
    input:
        rules.write_table3.output,
        rules.draw_sweep.output,
        of_flickr("config.yaml"),


rule retrieval:
    input:
        rules.write_retrieval.output,
        rules.draw_recall.output,
        of_flickr("config.yaml"),


rule tags:
    input:
        rules.write_tags.output,
        rules.draw_predicted_tags.output if PICTURES else [],
        of_flickr("config.yaml"),


rule figure3:
    input:
        rules.draw_galleries.output.figure3,
        of_flickr("config.yaml"),


rule figure4:
    input:
        rules.draw_galleries.output.figure4,
        of_flickr("config.yaml"),


rule learning:
    input:
        rules.draw_learning.output,
        of_flickr("config.yaml"),


rule model:
    input:
        expand(rules.keep_model.output, split=config["flickr"]["splits"]),
        of_flickr("config.yaml"),


rule report:
    input:
        reports(),


rule search:
    input:
        rules.write_search.output,
        of_flickr("config.yaml"),
