"""What an administrator orders: an installation, its backup, keys that change, orders to a running gateway."""
