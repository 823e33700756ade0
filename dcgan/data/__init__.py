"""Records of aligned faces, and which of them meet in a minibatch.

Knows shards, manifests, held-out pictures, plans of minibatches. Must not know networks, or where pictures came from.
"""
