"""`make demo`: the whole road on embedded defaults, with a hospital, an operator and a GP of its own."""
