# SPDX-License-Identifier: MIT


# On a cluster it is the login node that reaches the network.
localrules:
    retrieve_mnist,


rule retrieve_mnist:
    output:
        "results/data/mnist/raw/{file}",
    log:
        "results/data/mnist/logs/retrieve/{file}.log",
    wildcard_constraints:
        file=one_of(*registry("mnist")),
    params:
        sha256=accepted_hashes,
        code=code("retrieve_mnist.py"),
    message:
        "Retrieving {wildcards.file} from the mirror or the network"
    script:
        "../workflow_scripts/retrieve_mnist.py"
