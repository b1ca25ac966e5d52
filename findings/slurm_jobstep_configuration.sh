#!/bin/sh
# SPDX-License-Identifier: MIT
# snakemake-executor-plugin-slurm-jobstep 0.6.1: within a job, srun is called without SLURM_CONF.
# The plugin takes every variable SLURM_... away but those of the allocation, and with them the one that says where
# the configuration of the cluster lies. Where that is not /etc/slurm, srun then finds no cluster and the job fails.
# Output seen: submitted with SLURM_CONF=/opt/cluster/slurm.conf; srun sees: nothing
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet snakemake==9.27.1 snakemake-executor-plugin-slurm-jobstep==0.6.1
cd "$folder"
mkdir programs
# In place of Slurm's: it writes down what it sees and runs what it is told to run.
cat > programs/srun <<'EOF'
#!/bin/sh
echo "${SLURM_CONF-nothing}" > seen
while [ "${1#-}" != "$1" ]; do shift; done
exec "$@"
EOF
chmod +x programs/srun
cat > Snakefile <<'EOF'
rule done:
    output: "done"
    shell: "touch {output}"
EOF
PATH="$folder/programs:$folder/venv/bin:$PATH" SLURM_JOB_ID=1 SLURM_CONF=/opt/cluster/slurm.conf \
    snakemake --quiet all --executor slurm-jobstep --jobs 1 --mode remote -- done
test -e done
echo "submitted with SLURM_CONF=/opt/cluster/slurm.conf; srun sees: $(cat seen)"
test "$(cat seen)" = nothing
