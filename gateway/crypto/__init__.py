"""Station 6, seal: signed, then encrypted; and the same station backwards, open; and the vault for what is at rest."""
