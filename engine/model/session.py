"""Runs an ONNX graph on the CPU: model input in, logits and evidence out."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

EVIDENCE_OUTPUT = "evidence"
"""Name of the graph's output for evidence. The other output holds the logits."""


class OnnxSession:
    """A loaded ONNX graph. Several threads may call it at the same time; a call releases the GIL."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Loads the graph at `path`. Each call may use `threads` threads.

        Raises:
            ValueError: ONNX Runtime can't load the file.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # A thread that spins while it waits would take the core on which another service could decode the next photo.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions share no public base class
            raise ValueError(f"{path.name} is not an ONNX graph that can be loaded: {error}") from error
        self._input = self._session.get_inputs()[0].name

        outputs = [output.name for output in self._session.get_outputs()]
        self._logits = next((name for name in outputs if name != EVIDENCE_OUTPUT), outputs[0])

    def logits(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Computes logits.

        Args:
            batch: model input, float32 of shape [n, height, width, 3].

        Returns:
            float32 of shape [n, classes].
        """
        (logits,) = self._session.run([self._logits], {self._input: batch})
        return np.asarray(logits, np.float32)

    def logits_and_evidence(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Computes logits, and the evidence for the best class of each picture.

        Args:
            batch: model input, float32 of shape [n, height, width, 3].

        Returns:
            Logits, float32 of shape [n, classes], and evidence, float32 of shape [n, rows, columns].
        """
        logits, evidence = self._session.run([self._logits, EVIDENCE_OUTPUT], {self._input: batch})
        return np.asarray(logits, np.float32), np.asarray(evidence, np.float32)
