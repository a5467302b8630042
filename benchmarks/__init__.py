"""What we measure, against what: ratios in one run (see README.md)."""
