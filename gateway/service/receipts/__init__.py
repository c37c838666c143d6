"""Station 8 joined to the store: what comes back finds its delivery, and what it teaches of its sender is kept."""
