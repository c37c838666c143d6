"""Station 3, read: any bytes become a ``Reading`` or one clear refusal; pure, and run in limited child processes."""
