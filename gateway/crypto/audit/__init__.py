"""What is wrong, or soon will be, with the keys we have: ours and the addressees' (CR-12, CR-20, CR-21)."""
