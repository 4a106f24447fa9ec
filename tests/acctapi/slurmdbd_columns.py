"""Columns and keys of slurmdbd's tables in each release, as text that can be compared with Slurm's source.

A line of columns is `history | names`. A history is types in the order of the releases that brought them:
`u32 17.02:u64` is an unsigned int that became a bigint with 17.02, `19.05:tx?` a nullable text that came with 19.05,
and `-` is a column that was dropped. A line of keys is `history | name | columns`, where the type is one of `primary`,
`unique` and `key`, and `user(20)` is a column of which the first 20 letters count.

Source: `src/plugins/accounting_storage/mysql/` of each release.
"""

from __future__ import annotations

from typing import Final

_USAGE: Final = """
u32 17.02:u64 | creation_time mod_time time_start
i8 | deleted
u32 | id
24.11:u32 | id_alt
i32 | id_tres
u64 | alloc_secs
"""
# The tables of hours and months have the same columns and keys as those of days.
COLUMNS: Final = {
    "job_table": """
u32 17.02:u64 | job_db_inx mem_req time_submit time_start time_end time_eligible time_suspended mod_time
u32 | id_job id_user id_assoc cpus_req nodes_alloc timelimit priority exit_code derived_ec id_qos id_array_job
  id_array_task array_task_pending array_max_tasks id_resv id_wckey id_group
tt | job_name partition wckey
tt? | account id_block
tx? | nodelist derived_es array_task_str node_inx
u16 17.02:u32 | state
i8 | deleted
i32 22.05:u32? | kill_requid
tx | tres_req tres_alloc gres_used
24.11:tx? | qos_req
17.11:u32 20.02:- | pack_job_id pack_job_offset
20.02:u32 | het_job_id het_job_offset
17.11:tx | work_dir
24.05:tx | std_out std_err std_in
19.05:tx? | constraints
17.02:tx? | admin_comment
18.08:tx? | system_comment
24.11:u16? | restart_cnt
26.05:u64 | sluid
tx 20.11:- | gres_req gres_alloc
i8 22.05:- | track_steps
17.11:tt? | mcs_label
19.05:u32 | flags state_reason_prev
21.08:lt? 22.05:- | batch_script env_vars
21.08:tx? | container
21.08:tx? 23.11:lt? | submit_line
22.05:u64 | env_hash_inx script_hash_inx
23.02:tx? | extra licenses
23.02:tt? | failed_node
25.05:tx? | resv_req
25.05:u16 | segment_size
26.05:tt? | exclusive oversubscribe
""",
    "step_table": """
u32 17.02:u64 | job_db_inx time_start time_end time_suspended
i8 | deleted
i32 | exit_code id_step
20.11:u32 | step_het_comp
i32 22.05:u32? | kill_requid
tx | nodelist step_name tres_alloc
u32 | nodes_alloc task_cnt req_cpufreq_min req_cpufreq req_cpufreq_gov
tx? | node_inx
u16 | state
i16 21.08:i32 | task_dist
25.05:u32 | timelimit
u32 21.08:u64 | user_sec sys_sec
u32 | user_usec sys_usec
d64 | act_cpufreq
d64 17.11:u64 | consumed_energy
u64 18.08:- | max_rss max_vsize
u32 18.08:- | max_rss_task max_rss_node max_pages max_pages_task max_pages_node max_vsize_task max_vsize_node min_cpu
  min_cpu_task min_cpu_node max_disk_read_task max_disk_read_node max_disk_write_task max_disk_write_node
d64 18.08:- | ave_pages ave_rss ave_vsize ave_cpu max_disk_read ave_disk_read max_disk_write ave_disk_write
21.08:tx? | container
21.08:tx? 23.11:lt? | submit_line
25.05:tx | cwd std_err std_in std_out
18.08:tx | tres_usage_in_ave tres_usage_in_max tres_usage_in_max_taskid tres_usage_in_max_nodeid tres_usage_in_min
  tres_usage_in_min_taskid tres_usage_in_min_nodeid tres_usage_in_tot tres_usage_out_ave tres_usage_out_max
  tres_usage_out_max_taskid tres_usage_out_max_nodeid tres_usage_out_min tres_usage_out_min_taskid
  tres_usage_out_min_nodeid tres_usage_out_tot
""",
    "resv_table": """
u32 | id_resv
i8 | deleted
tx | assoclist nodelist node_inx resv_name tres
u16 19.05:u64 | flags
u32 17.02:u64 | time_start time_end
25.05:u64 | time_force
17.11:d64 | unused_wall
23.02:tx? | comment
""",
    "assoc_table": """
u32 | id_assoc
tt | user acct partition parent_acct
i8 | deleted is_def
23.11:u32 | id_parent
23.11:tx? | lineage
i32 25.05:- | lft rgt
i32 | shares
i32? | def_qos_id max_jobs max_submit_jobs max_wall_pj grp_jobs grp_submit_jobs grp_wall
bl | qos delta_qos
u32 17.02:u64 | creation_time mod_time
tx | max_tres_pj max_tres_pn max_tres_mins_pj max_tres_run_mins grp_tres grp_tres_mins grp_tres_run_mins
18.08:i32? | max_jobs_accrue min_prio_thresh grp_jobs_accrue
19.05:u32? | priority
23.02:tx? | comment
24.05:u32 | flags
""",
    "user_table": """
u32 17.02:u64 | creation_time mod_time
i8? | deleted
tt | name
i16 | admin_level
""",
    "acct_table": """
u32 17.02:u64 | creation_time mod_time
i8? | deleted
tt | name
tx | description organization
24.05:u32? | flags
""",
    "acct_coord_table": """
u32 17.02:u64 | creation_time mod_time
i8? | deleted
tt | acct user
""",
    "event_table": """
24.11:i8 | deleted
u32 17.02:u64 | time_start time_end
tt | node_name reason
tx | cluster_nodes tres
23.11:tx? | extra instance_id instance_type
u32 | reason_uid
u16 19.05:u32 | state
""",
    "usage_day_table": """
u32 17.02:u64 | creation_time mod_time time_start
i8 | deleted
i32 | id_tres
u64 | count alloc_secs down_secs pdown_secs idle_secs over_secs
u64 21.08:- | resv_secs
21.08:u64 | plan_secs
""",
    "assoc_usage_day_table": _USAGE,
    "wckey_usage_day_table": _USAGE,
    "qos_usage_day_table": """
24.11:u64 | creation_time mod_time time_start alloc_secs
24.11:i8 | deleted
24.11:u32 | id id_alt
24.11:i32 | id_tres
""",
    "wckey_table": """
u32 17.02:u64 | creation_time mod_time
i8 | deleted is_def
u32 | id_wckey
tt | wckey_name user
""",
    "qos_table": """
u32 17.02:u64 | creation_time mod_time
i8? | deleted
i32 | id
tt | name
tx? | description
u32? | flags grace_time priority
i32? | max_jobs_per_user max_submit_jobs_per_user max_wall_duration_per_job grp_jobs grp_submit_jobs grp_wall
  preempt_mode
tx | max_tres_pj max_tres_pn max_tres_pu max_tres_mins_pj max_tres_run_mins_pu min_tres_pj grp_tres grp_tres_mins
  grp_tres_run_mins preempt
f64 | usage_factor
f64? | usage_thres
16.05:i32? | max_jobs_pa max_submit_jobs_pa
16.05:tx | max_tres_pa max_tres_run_mins_pa
18.08:i32? | max_jobs_accrue_pa max_jobs_accrue_pu min_prio_thresh grp_jobs_accrue
19.05:u32? | preempt_exempt_time
21.08:f64? | limit_factor
""",
    "tres_table": """
u32 17.02:u64 | creation_time
i8 | deleted
i32 | id
tt | type name
""",
    "cluster_table": """
u32 17.02:u64 | creation_time mod_time
i8? | deleted
tt | name control_host
u32 | control_port last_port
u16 | rpc_version
u16? | classification dimensions
u16? 24.05:- | plugin_id_select
u32? | flags
17.02:tt | federation
17.02:u32 | fed_id
17.02:u16 | fed_state
17.02:u32 17.11:- | fed_weight
17.11:tx | features
24.11:i16? | id
""",
    "convert_version_table": """
17.11:u64 | mod_time
17.11:i32 | version
""",
}
"""Columns by table. Tables of a cluster are listed without its name."""

_PURGED: Final = """22.05:key 23.02:- | time_start | time_start
23.02:key | archive_purge | mod_time
25.05:key | archive_delete | deleted
"""
KEYS: Final = {
    "usage_day_table": f"""
primary | PRIMARY | id_tres time_start
{_PURGED}""",
    "assoc_usage_day_table": f"""
primary | PRIMARY | id id_tres time_start
{_PURGED}""",
    "wckey_usage_day_table": """
primary | PRIMARY | id id_tres time_start
23.02:key | archive_purge | mod_time
25.05:key | archive_delete | deleted
""",
    "qos_usage_day_table": """
24.11:primary | PRIMARY | id id_alt id_tres time_start
24.11:key | archive_purge | mod_time
25.05:key | archive_delete | deleted
""",
    "wckey_table": """
primary | PRIMARY | id_wckey
unique 19.05:- | wckey_name | wckey_name(20) user(20)
19.05:unique | udex | wckey_name(42) user(42)
""",
    "job_table": """
primary | PRIMARY | job_db_inx
unique 17.11:- | id_job | id_job id_assoc time_submit
17.11:unique | id_job | id_job time_submit
17.11:key | old_tuple | id_job id_assoc time_submit
key | rollup | time_eligible time_end
key | rollup2 | time_end time_eligible
key | sacct_def | id_user time_start time_end
key | sacct_def2 | id_user time_end time_eligible
key | association | id_assoc
key | qos | id_qos
key | wckey | id_wckey
key | reserv | id_resv
key | nodes_alloc | nodes_alloc
key | array_job | id_array_job
17.11:key 20.02:- | pack_job | pack_job_id
20.02:key | het_job | het_job_id
22.05:key | env_hash_inx | env_hash_inx
22.05:key | script_hash_inx | script_hash_inx
22.05:key 23.11:- | archive_purge | time_submit time_end
23.11:key | archive_purge | time_end
25.05:key | archive_delete | deleted
26.05:key | sluid | sluid
""",
    "step_table": """
primary 20.11:- | PRIMARY | job_db_inx id_step
20.11:primary | PRIMARY | job_db_inx id_step step_het_comp
20.11:key 23.11:- | no_step_comp | job_db_inx id_step
20.11:key 23.11:- | time_start_end | time_start time_end
23.11:key | archive_purge | time_end
25.05:key | archive_delete | deleted
""",
    "resv_table": """
primary | PRIMARY | id_resv time_start
22.05:key 23.11:- | time_start_end | time_start time_end
23.11:key | archive_purge | time_end
25.05:key | archive_delete | deleted
""",
    "assoc_table": """
primary | PRIMARY | id_assoc
unique 19.05:- | user | user(20) acct(20) partition(20)
19.05:unique | udex | user(42) acct(42) partition(42)
key 25.05:- | lft | lft
key 19.05:- | account | acct(20)
19.05:key 25.05:- | account | acct(42)
""",
    "user_table": """
primary 19.05:- | PRIMARY | name(20)
19.05:primary | PRIMARY | name(42)
""",
    "acct_table": """
primary 19.05:- | PRIMARY | name(20)
19.05:primary | PRIMARY | name(42)
""",
    "acct_coord_table": """
primary 19.05:- | PRIMARY | acct(20) user(20)
19.05:primary | PRIMARY | acct(42) user(42)
key 19.05:- | user | user(20)
19.05:key | user | user(42)
""",
    "event_table": """
primary 19.05:- | PRIMARY | node_name(20) time_start
19.05:primary | PRIMARY | node_name(42) time_start
20.02:key 23.11:- | rollup | node_name(42) time_start time_end state
22.05:key 23.11:- | time_start_end | time_start time_end
23.11:key | rollup | time_start time_end state
23.11:key | archive_purge | time_end
25.05:key | archive_delete | deleted
""",
    "qos_table": """
primary | PRIMARY | id
unique 19.05:- | name | name(20)
19.05:unique | udex | name(42)
""",
    "tres_table": """
primary | PRIMARY | id
unique 19.05:- | type | type(20) name(20)
19.05:unique | udex | type(42) name(42)
""",
    "cluster_table": """
primary 19.05:- | PRIMARY | name(20)
19.05:primary | PRIMARY | name(42)
""",
    "convert_version_table": """
17.11:primary | PRIMARY | version
""",
}
