"""The tags that MLflow shows beside a version."""

from pathlib import Path

from engine.version import open_version
from registry.models import version_tags
from tests.support.tiny_model import tiny_version


def test_tags_show_digest_accuracy_and_gate(tmp_path: Path) -> None:
    version = open_version(tiny_version(tmp_path))
    assert version_tags(version, "failed", "Not as good.") == {
        "digest": version.digest,
        "accuracy": "unknown",
        "gate": "failed",
        "gate_reason": "Not as good.",
    }
    version.contract.provenance.test_metrics["accuracy"] = 0.95678
    assert version_tags(version, "passed", "")["accuracy"] == "0.9568"
