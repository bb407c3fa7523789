"""Dataset versions of the collection, as programs reach them that are not its service: the trainer and the commands.

It knows the engine and the stubs alone, as `registry` does for model versions.
"""
