"""Station 8, hear back: DSN and MDN become receipts, and receipts find the delivery they speak of."""
