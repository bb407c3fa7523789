"""Classifies a photo with a model version, in one process, without network and without a model registry.

engine.classifier classifies a whole photo in one call. The preprocess service runs the first half (engine.photo: from
bytes to pixels), the inference service the second half (engine.model: from pixels to a classification). The engine
imports nothing of Verger but the generated stubs (verger.v1).
"""
