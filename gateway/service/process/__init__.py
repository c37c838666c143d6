"""The process and what it does beside the letters: limits, memory, metrics, the white list, what may be forgotten."""
