"""Stations 2 and 7: the durable store with one writer, the schedule, and the worker that hands letters over."""
