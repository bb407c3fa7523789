"""What the preprocess service loads."""

from tests.support.imports import imported_with


def test_preprocess_imports_no_array_library_and_no_model_runtime() -> None:
    imported = imported_with("services.preprocess.__main__")
    assert "engine.photo.tensor" in imported
    assert not imported & {"numpy", "onnxruntime", "mlflow", "engine.model", "registry"}
