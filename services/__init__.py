"""The services of Verger: web -> preprocess -> inference. They share services.common and nothing else."""
