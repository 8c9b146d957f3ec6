"""A replay and its log that only the garbage collector can take apart, in whatever order."""

import gc

import pytest

from fastcore import wal


@pytest.mark.filterwarnings("ignore")  # that nobody closed the log is what this is about
@pytest.mark.parametrize("knot_first", [False, True])
def test_a_replay_outlives_the_log_that_is_collected_with_it(tmp_path, knot_first):
    with wal.open(tmp_path / "log", segment_bytes=1 << 16) as log:
        log.append_many([b"x" * 100] * 50)
    for _ in range(20):
        knot = []
        log = wal.open(tmp_path / "log", "r")
        records = log.replay()
        next(records)
        if not knot_first:
            knot = []
        knot += [knot, records]
        del log, records, knot
        gc.collect()
