"""What the shared code of services loads."""

import pytest

from tests.support.imports import imported_with
from tests.support.repository import ROOT

MODULES = sorted(path.stem for path in (ROOT / "services" / "common" / "process").glob("[!_]*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_code_of_the_process_imports_no_grpc(module: str) -> None:
    imported = imported_with(f"services.common.process.{module}")
    assert not [name for name in imported if name == "grpc" or name.startswith("services.common.rpc")]
