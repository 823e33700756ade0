"""The networks and Z: built, judged by losses, augmented, passed on as a file, sampled.

Knows what is computed from a minibatch or a point of Z. Must not know optimizers, runs or checkpoints.
"""
