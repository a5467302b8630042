"""Properties are judged by what they find, never by how busy the machine is."""

from hypothesis import settings

settings.register_profile("house", deadline=None, max_examples=40)
settings.load_profile("house")
