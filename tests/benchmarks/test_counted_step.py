from __future__ import annotations

from benchmarks.counted_step import Options, count


def test_both_views_in_one_pass_are_fewer_kernels_of_the_same_operations() -> None:
    small = {"images": 2, "backbone": "partscenes_vit", "size": 96}
    (together, operations), (apart, same) = (
        count(Options(**small, apart=apart))  # type: ignore[arg-type]
        for apart in (False, True)
    )
    assert sum(kind.calls for kind in together.values()) < sum(k.calls for k in apart.values())
    assert together["attention"].calls == apart["attention"].calls - 2 * 9  # blocks, both ways
    assert operations == same
