"""Runs an ONNX graph. Pure: model input in, logits out. The trainer scores with it too."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

EVIDENCE_OUTPUT = "evidence"


class OnnxRuntime:
    """One loaded graph. Calls from several threads run side by side and release the GIL."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Loads the graph at `path`; each call may use `threads` cores.

        Raises:
            ValueError: the file is not a graph that ONNX Runtime can load.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that spin while they wait take the core that another service could decode the next photo on.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions share no public base class
            raise ValueError(f"{path.name} is not an ONNX graph that can be loaded: {error}") from error
        self._input = self._session.get_inputs()[0].name

        outputs = [output.name for output in self._session.get_outputs()]
        self._logits = next((name for name in outputs if name != EVIDENCE_OUTPUT), outputs[0])

    def logits(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Runs model input of shape [n, height, width, 3]; returns logits of shape [n, classes]."""
        (logits,) = self._session.run([self._logits], {self._input: batch})
        return np.asarray(logits, np.float32)

    def logits_and_evidence(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same, and the evidence for the best class of each picture, shape [n, rows, columns]."""
        logits, evidence = self._session.run([self._logits, EVIDENCE_OUTPUT], {self._input: batch})
        return np.asarray(logits, np.float32), np.asarray(evidence, np.float32)
