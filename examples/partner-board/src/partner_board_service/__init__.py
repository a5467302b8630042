"""The partner board: a partner's positions are published here, and who waits for such positions is kept."""
