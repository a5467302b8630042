"""Proves on the running system that nothing readable of a person remains, with controls that the proof can fail."""
