"""Constants of the cluster: pretended hardware, partitions, users and accounts."""

from __future__ import annotations

CLUSTER = "testbed"
NODES = tuple(f"rack{number:03d}" for number in range(1, 9))

# rack008 is only in the partition `secret`, which the service hides.
NODE_LINES = (
    "NodeName=rack[001-004] Sockets=2 CoresPerSocket=4 ThreadsPerCore=2 RealMemory=32000 TmpDisk=9000 Feature=cpu,avx2",
    "NodeName=rack[005-006] Sockets=2 CoresPerSocket=4 ThreadsPerCore=2 RealMemory=32000 TmpDisk=9000"
    " Feature=cpu,accelerated Gres=gpu:tesla:2",
    "NodeName=rack[007-008] Sockets=1 CoresPerSocket=8 ThreadsPerCore=1 RealMemory=16000 TmpDisk=5000 Feature=small",
)
PARTITION_LINES = (
    "PartitionName=main Nodes=rack[001-006] Default=YES PriorityTier=1 MaxTime=1-00:00:00 DefaultTime=01:00:00",
    "PartitionName=high Nodes=rack[003-006] PriorityTier=10 MaxTime=02:00:00 DefaultTime=00:30:00",
    "PartitionName=long Nodes=rack[001-007] PriorityTier=1 MaxTime=UNLIMITED DefaultTime=10-00:00:00",
    "PartitionName=secret Nodes=rack[005-008] PriorityTier=5 MaxTime=1-00:00:00 DefaultTime=01:00:00",
)
# slurmd ignores a GPU without a device file. A plain file is enough.
GPU_FILES = ("/var/lib/slurm/gpu0", "/var/lib/slurm/gpu1")
TESLA_GRES = "NodeName=rack[005-006] Name=gpu Type=tesla File=/var/lib/slurm/gpu[0-1]\n"

# The same nodes and partitions, with GPUs whose model is a number, a GRES that is only counted, cores reserved for the
# system, and a node that never powers up.
ODD_NODE_LINES = (
    NODE_LINES[0],
    "NodeName=rack[005-005] Sockets=2 CoresPerSocket=4 ThreadsPerCore=2 RealMemory=32000 TmpDisk=9000"
    " Feature=cpu,accelerated Gres=gpu:tesla:2,bandwidth:lustre:no_consume:4G",
    "NodeName=rack[006-006] Sockets=2 CoresPerSocket=4 ThreadsPerCore=2 RealMemory=32000 TmpDisk=9000"
    " Feature=cpu,accelerated Gres=gpu:4090:2,tmp:844G",
    "NodeName=rack[007-008] Sockets=1 CoresPerSocket=8 ThreadsPerCore=1 RealMemory=16000 TmpDisk=5000 Feature=small"
    " CoreSpecCount=1 MemSpecLimit=500 Weight=7",
)
ABSENT_NODE_LINES = (
    "NodeName=cloud001 Sockets=1 CoresPerSocket=4 ThreadsPerCore=2 RealMemory=8000 Feature=cloud State=CLOUD",
    "NodeName=spare001 Sockets=1 CoresPerSocket=4 ThreadsPerCore=2 RealMemory=8000 State=FUTURE",
)
ODD_PARTITION_LINES = (
    *PARTITION_LINES,
    "PartitionName=burst Nodes=cloud001 PriorityTier=1 MaxTime=UNLIMITED DefaultTime=00:20:00 MaxNodes=1",
)
ODD_GRES = (
    "NodeName=rack005 Name=gpu Type=tesla File=/var/lib/slurm/gpu[0-1]\n"
    "NodeName=rack005 Name=bandwidth Type=lustre Count=4G Flags=CountOnly\n"
    "NodeName=rack006 Name=gpu Type=4090 File=/var/lib/slurm/gpu[0-1]\n"
    "NodeName=rack006 Name=tmp Count=844G Flags=CountOnly\n"
)
HIDDEN_PARTITION = "secret"
HIDDEN_NODE = "rack008"

ACCOUNTS = ("physics", "biology", "hidden")
# name → (uid, account)
PEOPLE = {
    "alice": (2001, "physics"),
    "bob": (2002, "physics"),
    "carol": (2003, "biology"),
    "mallory": (2004, "hidden"),
}
# slurmrestd refuses to run as root or SlurmUser. The service needs neither.
RESTD_USER = "slurmrest"
SERVICE_USER = "slurmrestapi"
SERVICE_UIDS = {RESTD_USER: 2010, SERVICE_USER: 2011}
