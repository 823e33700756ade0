"""Training: learners and their step, health, checkpoints, transfer, the loop, the folder of a run.

Knows the whole of `dcgan`. Must not know cameras, faces or flags; `dcgan.train` reads those.
"""
