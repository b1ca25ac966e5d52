# SPDX-License-Identifier: MIT
# Seconds each, too little for a job of a cluster.
localrules:
    draw_sweep,
    draw_learning,
    draw_recall,
    draw_galleries,
    draw_predicted_tags,


rule draw_sweep:
    input:
        rules.write_table3.input.scores,
    output:
        png=report(
            of_flickr("figures/table3.png"),
            category="Figures",
            caption="../report/table3.rst",
        ),
        svg=of_flickr("figures/table3.svg"),
    log:
        of_flickr("logs/draw_sweep.log"),
    params:
        main=STAGES[LAST]["iterations"],
        part="test" if validation_seen() else "validation",
        code=code("draw_sweep.py"),
    message:
        "Drawing mAP against mean-field iterations"
    script:
        "../workflow_scripts/draw_sweep.py"


rule draw_learning:
    input:
        trained_metrics(),
    output:
        png=report(
            of_flickr("figures/learning.png"),
            category="Training",
            caption="../report/learning.rst",
        ),
        svg=of_flickr("figures/learning.svg"),
    log:
        of_flickr("logs/draw_learning.log"),
    params:
        code=code("draw_learning.py"),
    message:
        "Drawing learning curves of every stage"
    script:
        "../workflow_scripts/draw_learning.py"


rule draw_recall:
    input:
        rules.write_retrieval.input.scores,
    output:
        png=report(
            of_flickr("figures/recall.png"),
            category="Figures",
            caption="../report/recall.rst",
        ),
        svg=of_flickr("figures/recall.svg"),
    log:
        of_flickr("logs/draw_recall.log"),
    params:
        stages=ABOUT_DEEP["stages"],
        code=code("draw_recall.py"),
    message:
        "Drawing precision against recall"
    script:
        "../workflow_scripts/draw_recall.py"


rule draw_galleries:
    input:
        unpack(pictures_of_run),
        nearest=rules.nearest_pictures.output[0],
    output:
        figure3=report(
            of_flickr("figures/figure3.png"),
            category="Figures",
            caption="../report/figure3.rst",
        ),
        figure4=report(
            of_flickr("figures/figure4.png"),
            category="Figures",
            caption="../report/figure4.rst",
        ),
        page=of_flickr("figures/nearest.html"),
    log:
        of_flickr("logs/draw_galleries.log"),
    params:
        settings={
            "queries": config["flickr"]["gallery"]["queries"],
            "on_page": config["flickr"]["gallery"]["on_page"],
            "size": config["features"]["picture_size"],
        },
        code=code("draw_galleries.py", FLICKR_RECORD),
    message:
        "Drawing Figures 3 and 4"
    script:
        "../workflow_scripts/draw_galleries.py"


rule draw_predicted_tags:
    input:
        unpack(pictures_of_run),
        shown=first_split(of_flickr("predicted_tags/split{split}.npz")),
    output:
        report(
            of_flickr("figures/predicted_tags.png"),
            category="Figures",
            caption="../report/predicted_tags.rst",
        ),
    log:
        of_flickr("logs/draw_predicted_tags.log"),
    params:
        tags=max(config["flickr"]["predicted_tags"]["tops"]),
        size=config["features"]["picture_size"],
        code=code("draw_predicted_tags.py"),
    message:
        "Drawing predicted tags"
    script:
        "../workflow_scripts/draw_predicted_tags.py"
