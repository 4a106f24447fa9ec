"""Writes a directory with programs that print as Slurm's commands do, for whole loads without Slurm.

The texts are those of Slurm 26.05.5 for one partition, two nodes, a pending job and a running one.
"""

from __future__ import annotations

from pathlib import Path

_CONFIG = """\
Configuration data as of 1795715122
ClusterName             = testbed
PrivateData             = none
SlurmdPort              = 6818
SLURM_VERSION           = 26.05.5
"""
_PARTITIONS = (
    "PartitionName=main AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL AllocNodes=ALL Default=YES QoS=N/A"
    " DefaultTime=01:00:00 DisableRootJobs=NO Exclusive=NO GraceTime=0 Hidden=NO MaxNodes=UNLIMITED MaxTime=1-00:00:00"
    " MinNodes=0 LLN=NO MaxCPUsPerNode=UNLIMITED MaxCPUsPerSocket=UNLIMITED Nodes=rack[001-002] PriorityJobFactor=1"
    " PriorityTier=1 RootOnly=NO ReqResv=NO OverSubscribe=NO OverTimeLimit=NONE PreemptMode=OFF State=UP TotalCPUs=32"
    " TotalNodes=2 SelectTypeParameters=NONE JobDefaults=(null) DefMemPerNode=UNLIMITED MaxMemPerNode=UNLIMITED"
    " TRES=cpu=32,mem=62.50G,node=2,billing=32\n"
)
_NODE = (
    "NodeName={name} Arch=x86_64 CoresPerSocket=4  CPUAlloc={cpus} CPUEfctv=16 CPUTot=16 CPULoad=0.50"
    " AvailableFeatures=cpu,avx2 ActiveFeatures=cpu,avx2 Gres=(null) GresDrain=N/A NodeAddr=10.0.0.1"
    " NodeHostName={name} Port=6818 Version=26.05.5 OS=Linux 6.1.0 #1 SMP  RealMemory=32000 AllocMem={memory}"
    " FreeMem=15147 Sockets=2 Boards=1 State={state} ThreadsPerCore=2 TmpDisk=9000 Weight=1 Owner=N/A MCS_label=N/A"
    " Partitions=main  BootTime=1795700002 SlurmdStartTime=1795712990 LastBusyTime=1795712990 ResumeAfterTime=None"
    " SuspendTime=INFINITE CfgTRES=cpu=16,mem=32000M,billing=16 AllocTRES=cpu={cpus},mem={memory}M CurrentWatts=0"
    " AveWatts=0\n"
)
_NODES = _NODE.format(name="rack001", cpus=4, memory=400, state="MIXED") + _NODE.format(
    name="rack002", cpus=0, memory=0, state="IDLE"
)
_PENDING = """\
JobId=7 JobName=wrap
   SLUID=s1WNM8CEB3E000
   UserId=alice(2001) GroupId=alice(2001) MCS_label=N/A
   Priority=1200 Nice=0 Account=physics QOS=normal
   JobState=PENDING Reason=BeginTime Dependency=(null)
   Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 ExitCode=0:0
   DerivedExitCode=0:0
   RunTime=00:00:00 TimeLimit=01:00:00 TimeMin=N/A
   SubmitTime=1795714026 EligibleTime=1796491626
   AccrueTime=Unknown
   StartTime=1796491626 EndTime=1796495226 Deadline=N/A
   SuspendTime=None SecsPreSuspend=0 LastSchedEval=1795714026 Scheduler=Main
   Partition=main AllocNode:Sid=localhost:4450
   ReqNodeList=(null) ExcNodeList=(null)
   NodeList=
   NumNodes=1 NumCPUs=1 NumTasks=1 CPUs/Task=1 ReqB:S:C:T=0:0:*:*
   ReqTRES=cpu=1,mem=100M,node=1,billing=1
   AllocTRES=(null)
   Socks/Node=* NtasksPerN:B:S:C=0:0:*:* CoreSpec=*
   MinCPUsNode=1 MinMemoryCPU=100M MinTmpDiskNode=0
   Features=(null) DelayBoot=00:00:00
   OverSubscribe=NO Exclusive=NO Contiguous=0 Licenses=(null) LicensesAlloc=(null) Network=(null)
   Command=(null)
   SubmitLine=sbatch -D /tmp --begin=now+9days --comment=hello --wrap true
   WorkDir=/tmp
   Comment=hello
   StdErr=
   StdIn=/dev/null
   StdOut=/tmp/slurm-7.out

"""
_RUNNING = """\
JobId=8 JobName=run.sh
   SLUID=s1WNM8CEB3E001
   UserId=bob(2002) GroupId=bob(2002) MCS_label=N/A
   Priority=1200 Nice=0 Account=biology QOS=normal
   JobState=RUNNING Reason=None Dependency=(null)
   Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 ExitCode=0:0
   DerivedExitCode=0:0
   RunTime=00:10:00 TimeLimit=01:00:00 TimeMin=N/A
   SubmitTime=1795714000 EligibleTime=1795714000
   AccrueTime=1795714000
   StartTime=1795714500 EndTime=1795718100 Deadline=N/A
   SuspendTime=None SecsPreSuspend=0 LastSchedEval=1795714500 Scheduler=Main
   Partition=main AllocNode:Sid=login1:4450
   ReqNodeList=(null) ExcNodeList=(null)
   NodeList=rack001
   BatchHost=rack001
   NumNodes=1 NumCPUs=4 NumTasks=4 CPUs/Task=1 ReqB:S:C:T=0:0:*:*
   ReqTRES=cpu=4,mem=400M,node=1,billing=4
   AllocTRES=cpu=4,mem=400M,node=1,billing=4
   Socks/Node=* NtasksPerN:B:S:C=0:0:*:* CoreSpec=*
   JOB_GRES=(null)
     Nodes=rack001 CPU_IDs=0-3 Mem=400 GRES=
   MinCPUsNode=1 MinMemoryCPU=100M MinTmpDiskNode=0
   Features=(null) DelayBoot=00:00:00
   OverSubscribe=OK Exclusive=NO Contiguous=0 Licenses=(null) LicensesAlloc=(null) Network=(null)
   Command=/home/bob/run.sh
   SubmitLine=sbatch -n4 run.sh
   WorkDir=/home/bob
   StdErr=
   StdIn=/dev/null
   StdOut=/home/bob/slurm-8.out

"""
_SQUEUE = (
    "7\x1f2001\x1f2001\x1fPENDING\x1fmain\x1fphysics\x1fnormal\x1f\n"
    "8\x1f2002\x1f2002\x1fRUNNING\x1fmain\x1fbiology\x1fnormal\x1frack001\n"
)
_SDIAG = """\
*******************************************************
sdiag output at Thu Nov 26 17:45:22 2026 (1795715122)
Data since      Thu Nov 26 17:09:49 2026 (1795712989)
*******************************************************
Server thread count:  1
RPC queue enabled:    0
Agent queue size:     0
Agent count:          0
Agent thread count:   0
DBD Agent queue size: 0

Jobs submitted: 26
Jobs started:   3
Jobs completed: 1
Jobs canceled:  2
Jobs failed:    0

Job states ts:  Thu Nov 26 17:44:53 2026 (1795715093)
Jobs pending:   1
Jobs running:   1

Main schedule statistics (microseconds):
\tLast cycle:   19
\tMax cycle:    1388
\tTotal cycles: 1042
\tMean cycle:   23
\tMean depth cycle:  0
\tCycles per minute: 29
\tLast queue length: 0

Main scheduler exit:
\tEnd of job queue:1042
\tHit default_queue_depth: 0
\tHit sched_max_job_start: 0
\tBlocked on licenses: 0
\tHit max_rpc_cnt: 0
\tTimeout (max_sched_time): 0

Backfilling stats
\tTotal backfilled jobs (since last slurm start): 0
\tTotal backfilled jobs (since last stats cycle start): 0
\tTotal backfilled heterogeneous job components: 0
\tTotal cycles: 1
\tLast cycle when: Thu Nov 26 17:44:23 2026 (1795715063)
\tLast cycle: 354
\tMax cycle:  354
\tMean cycle: 354
\tLast depth cycle: 2
\tLast depth cycle (try sched): 2
\tDepth Mean: 2
\tDepth Mean (try depth): 2
\tLast queue length: 2
\tQueue length mean: 2
\tLast table size: 4
\tMean table size: 4

Backfill exit
\tEnd of job queue: 1
\tHit bf_max_job_start: 0
\tHit bf_max_job_test: 0
\tSystem state changed: 0
\tHit table size limit (bf_node_space_size): 0
\tTimeout (bf_max_time): 0

Latency for 1000 calls to gettimeofday(): 30 microseconds

Remote Procedure Call statistics by message type
\tREQUEST_PARTITION_INFO                  ( 2009) count:7      ave_time:84     total_time:592

Remote Procedure Call statistics by user
\troot            (       0) count:54     ave_time:199    total_time:10773

Pending RPC statistics
\tNo pending RPCs
"""
_ASKS_SLURMCTLD = """\
/usr/bin/env > {folder}/environment
if [ -e {folder}/down ]; then
  echo "slurm_load_jobs error: Unable to contact slurm controller (connect failure)" >&2
  exit 1
fi
if [ -e {folder}/hangs ]; then
  echo $$ > {folder}/pid
  exec /bin/sleep 3600
fi
"""
_SCONTROL = """\
case "$*" in
  *config) exec /bin/cat {folder}/config ;;
  *partition) exec /bin/cat {folder}/partitions ;;
  *node) exec /bin/cat {folder}/nodes ;;
  -o*job) exec /bin/cat {folder}/job-7.line {folder}/job-8.line ;;
  *job) exec /bin/cat {folder}/job-7 {folder}/job-8 ;;
  -o*job*) exec /bin/cat "{folder}/job-${{*##* }}.line" ;;
  *) echo "scontrol: not expected: $*" >&2; exit 1 ;;
esac
"""


class ProgramDirectory:
    """A directory `bin` below `folder` with scontrol, squeue and sdiag."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin_dir = folder / "bin"
        self.bin_dir.mkdir(parents=True)
        texts = {"config": _CONFIG, "partitions": _PARTITIONS, "nodes": _NODES, "queue": _SQUEUE, "statistics": _SDIAG}
        for job_id, text in ((7, _PENDING), (8, _RUNNING)):
            texts[f"job-{job_id}"] = text
            texts[f"job-{job_id}.line"] = " ".join(line.strip() for line in text.splitlines()).rstrip() + "\n"
        for name, text in texts.items():
            (folder / name).write_text(text)
        version = 'if [ "$1" = --version ]; then echo "slurm-wlm 26.05.5"; exit; fi\n'
        self._write("scontrol", version + _ASKS_SLURMCTLD + _SCONTROL)
        self._write("squeue", _ASKS_SLURMCTLD + "exec /bin/cat {folder}/queue\n")
        self._write("sdiag", _ASKS_SLURMCTLD + "exec /bin/cat {folder}/statistics\n")

    def _write(self, program: str, script: str) -> None:
        (self.bin_dir / program).write_text("#!/bin/sh\n" + script.format(folder=self.folder))
        (self.bin_dir / program).chmod(0o755)

    def behave(self, how: str | None) -> None:
        """Makes all programs fail (`down`) or hang (`hangs`) as without slurmctld, or work again (None)."""
        for name in ("down", "hangs"):
            (self.folder / name).unlink(missing_ok=True)
        if how is not None:
            (self.folder / how).touch()

    def hanging_pid(self) -> int:
        """Returns the process id of the last program that hung."""
        return int((self.folder / "pid").read_text())

    def environment(self) -> dict[str, str]:
        """Returns the environment of the last program that asked slurmctld."""
        lines = (self.folder / "environment").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)
