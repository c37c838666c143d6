"""What the settings say, made into objects: doors, faces, routes, authorities, keys, TLS, clocks, the store."""
