"""A SLURM cluster of two nodes on this machine's loopback, started and stopped by process id."""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
CORES = 4
SECONDS = 60.0


def wait_until(
    true: Callable[[], bool], what: str, seconds: float = SECONDS, *, every: float = 0.1
) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(every)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        # Held together, so that all of them differ.
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Cluster:
    """munged, slurmctld, and two nodes ``n1`` and ``n2`` of four cores each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "slurm.conf"
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {**os.environ, "SLURM_CONF": str(self.conf)}

    def start(self) -> None:
        for name in ("run", "log", "state", "spool"):
            (self.folder / name).mkdir()
        self.folder.chmod(0o755)
        self.conf.write_text(self._configuration())
        run, log = self.folder / "run", self.folder / "log"
        key = run / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        self.run_daemon(
            "munged",
            *("--foreground", "--force", f"--key-file={key}", f"--socket={run / 'munge'}"),
            *(f"--pid-file={run / 'munged.pid'}", f"--log-file={log / 'munged.log'}"),
            f"--seed-file={run / 'seed'}",
        )
        wait_until(lambda: (run / "munge").is_socket(), "munged")
        self.run_daemon("slurmctld", "-D", "-c", "-f", str(self.conf))
        wait_until(lambda: "UP" in self.call("scontrol", "ping"), "slurmctld")
        for node in ("n1", "n2"):
            self.start_node(node)

    def start_node(self, node: str) -> None:
        self.run_daemon(node, "-D", "-N", node, "-f", str(self.conf), program="slurmd")
        self.call("scontrol", "update", f"nodename={node}", "state=resume")
        wait_until(lambda: self.node_state(node) == "idle", f"node {node} is idle")

    def run_daemon(self, name: str, *arguments: str, program: str = "") -> None:
        path = shutil.which(program or name, path=PATH)
        assert path is not None
        with (self.folder / "log" / f"{name}.out").open("ab") as out:
            self.daemons[name] = subprocess.Popen(
                [path, *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def call(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        return done.stdout

    def node_state(self, node: str) -> str:
        return self.call("sinfo", "-h", "-N", "-n", node, "-o", "%T").strip()

    def waiting(self) -> list[str]:
        return self.call("squeue", "-h", "-o", "%i %j %T %r").splitlines()

    def wait_for_jobs(self, seconds: float = 200.0) -> None:
        try:
            wait_until(lambda: not self.waiting(), "jobs have ended", seconds)
        except AssertionError as error:
            shown = self.call("scontrol", "show", "job") + self.call("scontrol", "show", "node")
            raise AssertionError(f"{error}: {shown}") from error

    def lose_node(self, node: str) -> None:
        """Take a node away with all that runs on it, as a power cut does."""
        daemon = self.daemons.pop(node)
        daemon.kill()
        daemon.wait()
        for process in self.processes_on(node):
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.call("scontrol", "update", f"nodename={node}", "state=down", "reason=lost")

    def processes_on(self, node: str) -> list[psutil.Process]:
        """The scripts that run on a node, all that they started, and what of SLURM watches them."""
        found = []
        for process in self._processes(SLURMD_NODENAME=node):
            parent = process.parent()
            if parent is not None and parent.name() == "slurmstepd":
                found.append(parent)
            found.append(process)
        return found

    def processes_of(self, job: str, task: int) -> list[psutil.Process]:
        """The script of a task and what it started, the script first."""
        return self._processes(SLURM_ARRAY_JOB_ID=job, SLURM_ARRAY_TASK_ID=str(task))

    def _processes(self, **wanted: str) -> list[psutil.Process]:
        wanted["SLURM_CONF"] = str(self.conf)
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if wanted.items() <= process.environ().items():
                    found.append(process)
        return sorted(found, key=lambda process: process.create_time())

    def stop(self) -> None:
        self.call("scancel", "--quiet", f"--user={getpass.getuser()}")
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not self.waiting(), "all is cancelled", 20)
        for name in reversed(list(self.daemons)):
            process = self.daemons[name]
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _configuration(self) -> str:
        host, user, folder = socket.gethostname().split(".")[0], getpass.getuser(), self.folder
        control, *ports = free_ports(3)
        nodes = "\n".join(
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} "
            f"CPUs={CORES} RealMemory=4000 State=UNKNOWN"
            for node, port in zip(("n1", "n2"), ports, strict=True)
        )
        return f"""\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/run/munge,cred_expire=5
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MinJobAge=3600
KillWait=2
JobRequeue=1
{nodes}
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE DefaultTime=60 State=UP
"""


def missing_programs() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
