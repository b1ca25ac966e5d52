# SPDX-License-Identifier: MIT
"""A Slurm cluster of one node, this machine, on loopback and in a folder; nothing outside it is written.

Memory that a job asks for is a limit (what the job holds is looked at every second, without cgroups), and
there is a pretend GPU. No accounting, as on small clusters.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

# rsync is needed by the storage that profiles/kubernetes names.
PACKAGES = ("slurm-wlm", "munge", "rsync")
CONF = """\
ClusterName=check
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
ReturnToService=2
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MinJobAge=36000
KillWait=5
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes={host} MaxTime=120 State=UP
PartitionName=gpu Nodes={host} MaxTime=INFINITE State=UP
"""


def installed() -> bool:
    """Install Debian's Slurm where it is missing and may be installed; tell whether it is there."""
    programs = ("slurmctld", "slurmd", "munged", "sbatch", "rsync")
    if not all(map(shutil.which, programs)) and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (("update", "-q"), ("install", "-q", "-y", "--no-install-recommends", *PACKAGES)):
            subprocess.run(["apt-get", *command], env=environment, check=True, stdout=subprocess.DEVNULL)
    return all(map(shutil.which, programs))


class Cluster:
    """The daemons of a cluster in an empty `folder`, from entering the context to leaving it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "slurm.conf"
        # Slurm's programs, and the plugin that calls them, find the cluster by this and by nothing else.
        # Within a job the plugin takes it away (findings/slurm_jobstep_configuration.sh): srun has a wrapper.
        self.environment = {
            **os.environ,
            "SLURM_CONF": str(self.conf),
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }

    def __enter__(self) -> "Cluster":
        host = socket.gethostname().partition(".")[0]
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        self.conf.write_text(
            CONF.format(
                host=host,
                user=pwd.getpwuid(os.geteuid()).pw_name,
                ports=_free_ports(2),
                folder=self.folder,
                cores=os.cpu_count(),
                memory=pages // 2**20 - 512,
            )
        )
        (self.folder / "gres.conf").write_text(f"NodeName={host} Name=gpu File=/dev/null\n")
        (self.folder / "plugstack.conf").touch()
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir()
        wrapper = self.folder / "bin/srun"
        srun = shutil.which("srun")
        wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={self.conf} exec {srun} "$@"\n')
        wrapper.chmod(0o755)
        key = self.folder / "munge.key"
        key.touch(0o600)
        key.write_bytes(os.urandom(128))
        try:
            files = {
                name: self.folder / f"munge{end}"
                for name, end in {
                    "key-file": ".key",
                    "socket": ".socket",
                    "log-file": "d.log",
                    "pid-file": "d.pid",
                    "seed-file": "d.seed",
                }.items()
            }
            self._start("munged", *(f"--{name}={path}" for name, path in files.items()))
            self.start_controller()
            self._start("slurmd", "-f", str(self.conf))
            wait_for(lambda: self.ask("sinfo", "-h", "-o", "%T").split()[:1] == ["idle"], 60, "an idle node")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def version(self) -> str:
        """Of Slurm."""
        return self.ask("sbatch", "--version").strip()

    def start_controller(self) -> None:
        """Start the controller, which takes up what one before it has left."""
        self._start("slurmctld", "-i", "-f", str(self.conf))

    def kill_controller(self) -> None:
        """End the controller as a power cut would."""
        pid = self._pid("slurmctld")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not _alive(pid), 10, "the end of the controller")
        (self.folder / "slurmctld.pid").unlink()

    def ask(self, *command: str) -> str:
        """What one of Slurm's programs prints, nothing where it fails."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else ""

    def jobs(self) -> list[dict[str, str]]:
        """Every job of the last minutes; `rule` is what Snakemake calls it."""
        fields = {"id": "%i", "state": "%T", "memory": "%m", "partition": "%P", "rule": "%k", "reason": "%r"}
        lines = self.ask("squeue", "-h", "--states=all", "-o", "|".join(fields.values())).splitlines()
        return [dict(zip(fields, line.split("|"), strict=True)) for line in lines]

    def stop(self) -> None:
        """End jobs and daemons; those that do not end when asked to are killed."""
        for job in self.jobs():
            if job["state"] in ("PENDING", "RUNNING", "COMPLETING"):
                self.ask("scancel", "--signal=KILL", "--full", job["id"])
                self.ask("scancel", job["id"])
        for name in ("slurmd", "slurmctld", "munged"):
            pid = self._pid(name)
            if pid is None:
                continue
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            try:
                wait_for(lambda pid=pid: not _alive(pid), 15, name)
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)

    def left(self) -> list[str]:
        """Command lines of processes that have to do with the folder."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                if str(self.folder) in words and int(path.parent.name) != os.getpid():
                    found.append(words)
        return found

    def _start(self, *command: str) -> None:
        subprocess.run(command, env=self.environment, check=True, stdin=subprocess.DEVNULL)

    def _pid(self, daemon: str) -> int | None:
        try:
            return int((self.folder / f"{daemon}.pid").read_text())
        except (OSError, ValueError):
            return None


def wait_for(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Return as soon as `done` holds; raises `TimeoutError` where it does not within `seconds`."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"Waited {seconds:.0f} s in vain for {what}.")
        time.sleep(0.2)


def _alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
