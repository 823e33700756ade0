"""What a mouth does as one speaks, from the sound alone: features of sound, silence, a small network, how it is learnt.

Knows sounds, films of faces and controls. Must not know runs or Z.
"""
