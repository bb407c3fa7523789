"""How a process that answers photos shares the cores."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os
from services.common.scheduling import prepare_scheduling
prepare_scheduling()
print(os.sched_getscheduler(0))
"""


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="needs Linux: SCHED_BATCH")
def test_a_process_does_not_interrupt_what_computes() -> None:
    answer = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(answer.stdout) == os.SCHED_BATCH
    assert os.sched_getscheduler(0) != os.SCHED_BATCH
