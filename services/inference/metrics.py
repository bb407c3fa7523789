"""Prometheus metrics of the inference service: verdicts and model versions."""

from prometheus_client import Counter, Gauge

VERDICTS = Counter("verger_verdicts_total", "Answers by verdict and best class", ["verdict", "label", "version"])
MODEL_LIVE = Gauge("verger_model_live", "1 for the model version that answers", ["name", "version", "digest"])
MODEL_SWAPS = Counter("verger_model_swaps_total", "Times that a version went live, including the first version")
MODEL_REFUSALS = Counter("verger_model_refusals_total", "Versions that were refused", ["reason"])
REGISTRY_UP = Gauge("verger_registry_up", "1 when MLflow answered the last question for the champion, else 0")
