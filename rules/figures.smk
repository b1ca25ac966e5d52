# SPDX-License-Identifier: MIT
# Seconds each, too little for a job of a cluster.
localrules:
    draw_figure,
    draw_gain,
    draw_galleries,
    draw_predicted_tags,


rule draw_figure:
    input:
        of(results.figure_inputs),
    output:
        png=report(
            "results/{run}/figures/{figure}.png",
            category="Figures",
            caption="../report/figure.rst",
        ),
        svg="results/{run}/figures/{figure}.svg",
    log:
        "results/{run}/logs/draw_figure/{figure}.log",
    wildcard_constraints:
        figure=one_of(results.FIGURES),
    params:
        settings=of(results.figure_settings),
        code=lambda wildcards: code(f"draw_{wildcards.figure}.py"),
    message:
        "Drawing {wildcards.figure} of {wildcards.run}"
    script:
        "../workflow_scripts/draw_{wildcards.figure}.py"


# Of several runs, which have it together.
rule draw_gain:
    input:
        lambda wildcards: checked(results.gain_inputs, PLAN),
    output:
        png=report(
            f"{results.GAIN}.png",
            category="Figures",
            caption="../report/gain.rst",
        ),
        svg=f"{results.GAIN}.svg",
        csv=f"{results.GAIN}.csv",
        md=f"{results.GAIN}.md",
    log:
        f"{results.GAIN}.log",
    params:
        runs=lambda wildcards: checked(results.gain_settings, PLAN),
        code=code("draw_gain.py"),
    message:
        "Drawing what mean-field iterations gain"
    script:
        "../workflow_scripts/draw_gain.py"


rule draw_galleries:
    input:
        unpack(of(lambda run: run.source.images())),
        nearest="results/{run}/nearest.npz",
    output:
        figure3=report(
            "results/{run}/figures/figure3.png",
            category="Figures",
            caption="../report/figure3.rst",
        ),
        figure4=report(
            "results/{run}/figures/figure4.png",
            category="Figures",
            caption="../report/figure4.rst",
        ),
        page="results/{run}/figures/nearest.html",
    log:
        "results/{run}/logs/draw_galleries.log",
    params:
        queries=of(setting("gallery", "queries")),
        on_page=of(setting("gallery", "on_page")),
        size=of(setting("features", "image_size")),
        title=of(lambda run: run.dataset.title),
        code=code("draw_galleries.py"),
    message:
        "Drawing Figures 3 and 4"
    script:
        "../workflow_scripts/draw_galleries.py"


rule draw_predicted_tags:
    input:
        unpack(of(lambda run: run.source.images())),
        shown=of(lambda run: run.file(f"predicted_tags/{run.parts[0].name}.npz")),
    output:
        report(
            "results/{run}/figures/predicted_tags.png",
            category="Figures",
            caption="../report/predicted_tags.rst",
        ),
    log:
        "results/{run}/logs/draw_predicted_tags.log",
    params:
        tags=of(lambda run: max(run.settings["predicted_tags"]["ks"])),
        size=of(setting("features", "image_size")),
        code=code("draw_predicted_tags.py"),
    message:
        "Drawing predicted tags"
    script:
        "../workflow_scripts/draw_predicted_tags.py"
