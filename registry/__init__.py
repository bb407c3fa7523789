"""The registry of model versions in MLflow. Inference reads it, the trainer writes it. Needs mlflow-skinny only."""
