"""Station 5, compose: documents become the mail that this addressee's software can use; pure."""
