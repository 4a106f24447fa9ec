"""The sums of limits from one load to the next equal plain sums over the groups of the last load."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.slurmapi.collector.limit_use import LimitGroup, LimitUse

_TRES = {None: {}, "cpu=2,mem=1G": {"cpu": 2, "mem": 1024}, "cpu=3,gres/gpu=1": {"cpu": 3, "gres/gpu": 1}}
_GROUPS = st.tuples(
    st.sampled_from(["normal", None]),
    st.sampled_from(["physics", "biology", None]),
    st.sampled_from(["ada", "bob", None, "surrogate \udcff"]),
    st.sampled_from(["main", "main,gpu"]),
    st.sampled_from(list(_TRES)),
)
_LOADS = st.lists(st.lists(st.tuples(_GROUPS, st.integers(1, 3)), max_size=6), min_size=1, max_size=4)


def _plain(groups: list[tuple[LimitGroup, int]], owner: str) -> dict[tuple[str | None, ...], list[object]]:
    """Returns pending tasks, jobs and TRES of one owner by QOS, account and partition."""
    sums: dict[tuple[str | None, ...], list[object]] = {}
    for (qos, account, user, partition, tres), number in groups:
        named = account if owner.startswith("u:") else None
        if owner in ("", f"u:{user or ''}", f"a:{account or ''}"):
            found = sums.setdefault((qos, named, partition), [0, 0, {}])
            found[tres is not None] += number  # type: ignore[operator]
            for name, count in _TRES[tres].items():
                found[2][name] = found[2].get(name, 0) + count * number  # type: ignore[index,attr-defined]
    return sums


@given(_LOADS)
def test_updated_sums_equal_those_of_the_last_load(loads: list[list[tuple[LimitGroup, int]]]) -> None:
    use = LimitUse()
    stored: dict[str, bytes] = {}
    for groups in loads:
        for owner, body in use.update(groups).items():
            if body is None:
                del stored[owner]
            else:
                stored[owner] = body
    owners = {
        owner for (_, account, user, _, _), _ in loads[-1] for owner in ("", f"u:{user or ''}", f"a:{account or ''}")
    }
    assert len(stored) == len(owners)
    for owner in owners - {"u:surrogate \udcff"}:
        found = {tuple(values[:3]): values[3:] for values in json.loads(stored[owner])}
        assert found == _plain(loads[-1], owner)


def test_only_owners_of_changed_jobs_are_rendered() -> None:
    ada: LimitGroup = ("normal", "physics", "ada", "main", "cpu=2,mem=1G")
    bob: LimitGroup = ("normal", "biology", "bob", "main", None)
    use = LimitUse()
    assert set(use.update([(ada, 1), (bob, 1)])) == {"", "a:physics", "u:ada", "a:biology", "u:bob"}
    assert use.update([(bob, 1), (ada, 1)]) == {}
    assert set(use.update([(bob, 2), (ada, 1)])) == {"", "a:biology", "u:bob"}
    assert use.update([(ada, 1)])["u:bob"] is None
