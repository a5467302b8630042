"""People, employers, positions, job interests, login."""
