"""What a photo and a model version are, in one process, without network and registry.

Other code goes through engine.classifier for whole photos, or through the two halves: engine.photo turns bytes into
pixels, engine.model turns pixels into a classification. The engine imports nothing of Verger but the generated stubs.
"""
