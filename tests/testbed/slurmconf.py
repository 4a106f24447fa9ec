"""Returns the text of every configuration file of the cluster. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from .ports import Ports
from .slurmnodes import CLUSTER, NODES
from .suites import Suite

DATABASE = "slurm_acct_db"
DATABASE_PASSWORD = "testbed"

_SLURM_CONF = """\
ClusterName={cluster}
SlurmctldHost={hostname}(127.0.0.1)
SlurmctldPort={ports.slurmctld}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
{suite.authentication}CredType=cred/munge
MpiDefault=none
MailProg=/bin/true

StateSaveLocation=/var/lib/slurm/ctld
SlurmdSpoolDir=/var/lib/slurm/d-%n
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd-%n.log
SlurmctldPidFile=/run/slurm/ctld.pid
SlurmdPidFile=/run/slurm/d-%n.pid

# Pretended hardware, no isolation: the daemons share one machine without these CPUs and without cgroups.
SlurmdParameters=config_overrides
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=100
GresTypes={suite.gres_types}
Licenses=matlab:4

# Short everywhere, so that tests need not wait.
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=5,bf_yield_interval=500000,batch_sched_delay=0
KillWait=2
CompleteWait=0
SlurmctldTimeout=30
SlurmdTimeout=20
InactiveLimit=0
# Minutes for which a job may outlast its reservation.
ResvOverRun=5
ReturnToService=2
MinJobAge=3600
MaxJobCount=500000
MaxArraySize=10001

PriorityType=priority/multifactor
PriorityWeightAge=1000
PriorityWeightFairshare=1000
PriorityWeightPartition=1000
PriorityWeightQOS=1000

AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={ports.slurmdbd}
{suite.settings}AccountingStorageEnforce=associations,limits,qos
AccountingStoreFlags=job_comment,job_script

{nodes}

{partitions}
"""

_SLURMDBD_CONF = """\
AuthType=auth/munge
{suite.authentication}DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={ports.slurmdbd}
SlurmUser=root
LogFile=/var/log/slurm/slurmdbd.log
PidFile=/run/slurm/dbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={ports.mariadb}
StorageUser=slurm
StoragePass={password}
StorageLoc={database}
TrackWCKey=yes
"""

# innodb_snapshot_isolation: slurmdbd refuses to start with it. The sizes are those that slurmdbd requires.
_MARIADB_CNF = """\
[mariadbd]
user=mysql
datadir=/var/lib/testbed-mariadb
socket=/run/mysqld/mysqld.sock
pid-file=/run/mysqld/mysqld.pid
bind-address=127.0.0.1
port={ports.mariadb}
skip-name-resolve
skip-log-bin
innodb_snapshot_isolation=OFF
innodb_lock_wait_timeout=900
innodb_buffer_pool_size=512M
innodb_log_file_size=256M
innodb_flush_log_at_trx_commit=2
max_allowed_packet=64M
{suite.database_settings}"""


@dataclass(frozen=True)
class ConfigFile:
    """A file to write: absolute path inside the root, text and mode. Its owner is root."""

    path: str
    text: str
    mode: int = 0o644


def config_files(suite: Suite, ports: Ports, hostname: str) -> list[ConfigFile]:
    """Returns every configuration file of the suite's cluster for `ports`. `hostname` is the host's short name."""
    return [
        ConfigFile("/etc/slurm/slurm.conf", _slurm_conf(suite, ports, hostname)),
        ConfigFile("/etc/slurm/gres.conf", suite.gres_conf),
        ConfigFile("/etc/slurm/cgroup.conf", suite.cgroup_conf),
        ConfigFile(
            "/etc/slurm/slurmdbd.conf",
            _SLURMDBD_CONF.format(suite=suite, ports=ports, password=DATABASE_PASSWORD, database=DATABASE),
            0o600,
        ),
        ConfigFile("/etc/testbed-mariadb.cnf", _MARIADB_CNF.format(suite=suite, ports=ports)),
    ]


def _slurm_conf(suite: Suite, ports: Ports, hostname: str) -> str:
    first = 0
    nodes = []
    for line in suite.node_lines:
        count = sum(1 for _ in _names_of(line))
        last = ports.slurmd + first + count - 1
        nodes.append(f"{line} NodeAddr=127.0.0.1 Port=[{ports.slurmd + first}-{last}] State=UNKNOWN")
        first += count
    return _SLURM_CONF.format(
        suite=suite, cluster=CLUSTER, hostname=hostname, ports=ports, nodes="\n".join([*nodes, *suite.absent_nodes]),
        partitions="\n".join(suite.partition_lines),
    )  # fmt: skip


def _names_of(line: str) -> list[str]:
    first, last = line.partition("[")[2].partition("]")[0].split("-")
    return [name for name in NODES if first <= name[-3:] <= last]
