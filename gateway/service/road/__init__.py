"""Stations 4 to 6 as the running gateway uses them: with the source, off the loop, and told in words."""
