"""Station 9, tell: stays, clocks, deadlines and the report."""
