"""What MLflow and people see of a training run. Imports no training library."""
