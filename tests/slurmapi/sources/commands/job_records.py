"""Texts of jobs that scontrol printed, and their published records, checked against the contract."""

from __future__ import annotations

from typing import Any

from slurm_rest_api.slurmapi.contract.job import JobRecord
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands.job_record import JobRecords
from slurm_rest_api.slurmapi.sources.commands.job_text import Release, parse_job
from slurm_rest_api.slurmapi.sources.commands.squeue import JobFacts
from tests.slurmapi.sources.commands.printed_jobs import NAMES

RUNNING_26_05 = """JobId=4 JobName=wrap
   SLUID=s1WNM8CF6N0N00
   UserId=alice(2001) GroupId=alice(2001) MCS_label=N/A
   Priority=2000 Nice=0 Account=physics QOS=normal
   JobState=RUNNING Reason=None Dependency=(null)
   Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 ExitCode=0:0
   DerivedExitCode=0:0
   RunTime=00:00:07 TimeLimit=00:30:00 TimeMin=N/A
   SubmitTime=1795714929 EligibleTime=1795714929
   AccrueTime=1795714929
   StartTime=1795714929 EndTime=1795716729 Deadline=N/A
   SuspendTime=None SecsPreSuspend=0 LastSchedEval=1795714929 Scheduler=Main
   Partition=high AllocNode:Sid=localhost:15179
   ReqNodeList=(null) ExcNodeList=(null)
   NodeList=rack[005-006]
   BatchHost=rack005
   NumNodes=2 NumCPUs=4 NumTasks=4 CPUs/Task=1 ReqB:S:C:T=0:0:*:*
   ReqTRES=cpu=4,mem=400M,node=2,billing=4,gres/gpu=2
   AllocTRES=cpu=4,mem=400M,node=2,billing=4,gres/gpu=2
   Socks/Node=* NtasksPerN:B:S:C=0:0:*:* CoreSpec=*
   JOB_GRES=gpu:tesla:2
     Nodes=rack[005-006] CPU_IDs=0-1 Mem=200 GRES=gpu:tesla:1(IDX:0)
   MinCPUsNode=1 MinMemoryCPU=100M MinTmpDiskNode=0
   Features=(null) DelayBoot=00:00:00
   OverSubscribe=NO Exclusive=NO Contiguous=0 Licenses=(null) LicensesAlloc=(null) Network=(null)
   Command=(null)
   SubmitLine=sbatch -p high -D /tmp -n 4 -N 2 --gres=gpu:tesla:1 --wrap sleep 3000
   WorkDir=/tmp
   StdErr=
   StdIn=/dev/null
   StdOut=/tmp/slurm-4.out
   TresPerNode=gres/gpu:tesla:1
"""

RUNNING_17_11 = """JobId=7 JobName=a b=c
   UserId=alice(2001) GroupId=alice(2001) MCS_label=N/A
   Priority=4294901754 Nice=0 Account=(null) QOS=(null)
   JobState=RUNNING Reason=None Dependency=(null)
   Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 ExitCode=0:0
   DerivedExitCode=0:0
   RunTime=1-02:03:04 TimeLimit=UNLIMITED TimeMin=N/A
   SubmitTime=1795714900 EligibleTime=1795714900
   StartTime=1795714929 EndTime=Unknown Deadline=N/A
   PreemptTime=None SuspendTime=None SecsPreSuspend=0
   LastSchedEval=1795714929
   Partition=main AllocNode:Sid=head:312
   ReqNodeList=(null) ExcNodeList=(null)
   NodeList=n[1-2]
   BatchHost=n1
   NumNodes=2 NumCPUs=2 NumTasks=2 CPUs/Task=1 ReqB:S:C:T=0:0:*:*
   TRES=cpu=2,mem=200M,node=2,billing=2
   Socks/Node=* NtasksPerN:B:S:C=0:0:*:* CoreSpec=*
     Nodes=n[1-2] CPU_IDs=0 Mem=100 GRES_IDX=gpu:k80(IDX:0)
   MinCPUsNode=1 MinMemoryCPU=100M MinTmpDiskNode=0
   Features=(null) DelayBoot=00:00:00
   Gres=gpu:k80:1 Reservation=(null)
   OverSubscribe=OK Contiguous=0 Licenses=(null) Network=(null)
   Command=/home/alice/run.sh
   WorkDir=/home/alice
   Comment=x=y z 
   StdErr=/home/alice/slurm-7.out
   StdIn=/dev/null
   StdOut=/home/alice/slurm-7.out
   Power=
"""  # noqa: W291

PENDING_15_08 = """JobId=9 ArrayJobId=9 ArrayTaskId=2-9%4 JobName=run
   UserId=bob(2002) GroupId=bob(2002)
   Priority=100 Nice=-5 Account=physics QOS=normal WCKey=*
   JobState=PENDING Reason=Resources Dependency=(null)
   Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 ExitCode=0:0
   DerivedExitCode=0:0
   RunTime=00:00:00 TimeLimit=00:10:00 TimeMin=00:05:00
   SubmitTime=1795714900 EligibleTime=1795714900
   StartTime=Unknown EndTime=Unknown
   PreemptTime=None SuspendTime=None SecsPreSuspend=0
   Partition=main,long AllocNode:Sid=head:312
   ReqNodeList=n1 ExcNodeList=n[2,4],m1
   NodeList=(null)
   NumNodes=2-4 NumCPUs=2 CPUs/Task=1 ReqB:S:C:T=0:0:*:*
   TRES=cpu=2,mem=200,node=2
   Socks/Node=* NtasksPerN:B:S:C=2:0:*:1 ThreadSpec=2
   MinCPUsNode=2 MinMemoryNode=1.50G MinTmpDiskNode=10G
   Features=bigmem,fast Gres=gpu:2 Reservation=maint
   Shared=0 Contiguous=1 Licenses=matlab:2 Network=(null)
   Command=/home/bob/run.sh
   WorkDir=/home/bob
   StdErr=/home/bob/slurm-9_4294967294.out
   StdIn=/dev/null
   StdOut=/home/bob/slurm-9_4294967294.out
   Power= SICP=0
"""


def facts(**changes: Any) -> JobFacts:
    values: dict[str, Any] = {
        "user_id": 2001,
        "group_id": 2001,
        "state": "RUNNING",
        "partition": "main",
        "account": None,
        "qos": None,
        "nodes": None,
    }
    return JobFacts(**(values | changes))


def record(text: str, release: Release = (26, 5), **changes: Any) -> Record:
    """The record of a text, checked against the contract."""
    found = JobRecords(NAMES, "linux").record(parse_job(text, release), facts(**changes))
    JobRecord.model_validate(found, strict=True)
    return found


def of_26_05(replacements: dict[str, str], nodes: str | None = "rack[005-006]", **changes: Any) -> Record:
    """The record of the running job of 26.05 with other texts."""
    text = RUNNING_26_05
    for old, new in replacements.items():
        assert old in text
        text = text.replace(old, new)
    return record(text, nodes=nodes, **changes)


def subset(found: Record, expected: Record) -> Record:
    return {name: found[name] for name in expected}
