"""Records a training run in MLflow. Runs without TensorFlow."""
