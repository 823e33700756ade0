"""The neural model of one face: a DCGAN, how it is fed, trained, judged and sampled."""

__version__ = '0.1.0'
