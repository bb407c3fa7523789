"""Photos that end the process that classifies them, as faults in native code and shortage of memory do."""

from pathlib import Path

_PROGRAM = """
import os, signal, time
from engine.classifier import Classifier

classify = Classifier.classify

def fatal(self, photo, *arguments):
    if photo.endswith(b"killed for memory"):
        os.kill(os.getpid(), signal.SIGKILL)
    if photo.endswith(b"crashes"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if photo.endswith(b"takes for ever"):
        time.sleep(3600)
    if photo.endswith(b"fault"):
        raise RuntimeError("a fault of ours")
    if photo.endswith(b"once") and not os.path.exists(os.environ["ONCE"]):
        open(os.environ["ONCE"], "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return classify(self, photo, *arguments)

Classifier.classify = fatal
"""


def with_fatal_photos(folder: Path) -> dict[str, str]:
    """Returns settings with which photos whose last bytes say so end their process."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_PROGRAM)
    return {"PYTHONPATH": str(folder), "ONCE": str(folder / "once")}
