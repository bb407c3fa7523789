"""Addresses of MLflow's pages for people.

MLflow shows its pages for language models or those for model training. The address says which, because MLflow otherwise
shows what this browser saw last, and language models to a new one.
"""

MODEL_TRAINING = "workflowType=machine_learning"


def run_page(url: str, experiment_id: str, run_id: str) -> str:
    """Returns the page of a run.

    Args:
        url: of MLflow.
    """
    return f"{url.rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}?{MODEL_TRAINING}"


def version_page(url: str, name: str, version: str) -> str:
    """Returns the page of a model version."""
    return f"{url.rstrip('/')}/#/models/{name}/versions/{version}?{MODEL_TRAINING}"
