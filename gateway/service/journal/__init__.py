"""What others can check: the signed tree over the journal, proof files, and the words of its lines."""
